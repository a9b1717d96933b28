// The watches of a run, by what they show, however often each is opened.
import type { FaultProxy, SeenCall } from '../proxy/types.ts';

/** Names what a watch shows, without the namespace: `configmaps-pequod.io-graph`. */
export function watchOf({ resource, path }: SeenCall): string {
  const selector = new URLSearchParams(path.split('?')[1]).get('labelSelector') ?? '';
  return [resource, ...selector.split(/[^A-Za-z0-9.]+/).filter((part) => part !== '')].join('-');
}

export interface WatchCounts {
  readonly counts: ReadonlyMap<string, number>;
  /** Counts from 0; what was watched before stays known. */
  restart(): void;
}

/** Counts the events of each watch from now on, initial lists aside. */
export function countWatches(proxy: FaultProxy): WatchCounts {
  const counts = new Map<string, number>();
  proxy.onCall((call) => {
    if (call.verb === 'watch' && !counts.has(watchOf(call))) counts.set(watchOf(call), 0);
  });
  proxy.onEvent((call) => counts.set(watchOf(call), (counts.get(watchOf(call)) ?? 0) + 1));
  return {
    counts,
    restart: () => {
      for (const watch of counts.keys()) counts.set(watch, 0);
    },
  };
}
