// Where the time of one convergence goes, by the API server's clock: when the first and the last of each kind of call
// came, and how long the server took for them.
import type { AuditEntry } from '../../test/control-plane/index.ts';
import { nameOf } from '../support/calls.ts';
import { median, rounded } from '../support/statistics.ts';

/** One line for each kind of call, by the time of its first one; times are seconds since `startedAtMs`. */
export function timelineOf(calls: readonly AuditEntry[], startedAtMs: number): readonly string[] {
  const secondsAt = (text: string): number => rounded((Date.parse(text) - startedAtMs) / 1000, 3);
  const byKind = Map.groupBy(calls, nameOf);
  return [...byKind]
    .map(([name, these]) => ({
      name,
      these,
      from: Math.min(...these.map((call) => secondsAt(call.receivedAt))),
    }))
    .sort((a, b) => a.from - b.from)
    .map(({ name, these, from }) => {
      const until = Math.max(...these.map((call) => secondsAt(call.stageAt)));
      const tookMs = these.map((call) => Date.parse(call.stageAt) - Date.parse(call.receivedAt));
      return `${from} to ${until} s: ${name} ${these.length}, ${median(tookMs)} ms each`;
    });
}
