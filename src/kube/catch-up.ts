// Waits until a watch has brought what a list shows. A watch may be late, by a moment or by as long as it takes to notice
// that it is broken; whoever takes over from another process would then act on a state that the other had left behind.
// resourceVersions are compared for equality only: a version has been seen, or it has not.
import type { KubeObject } from '../api/index.ts';
import { pause } from './abort.ts';
import type { KubeClient } from './client.ts';
import type { ObjectStore } from './object-store.ts';
import type { SelectOptions } from './requests.ts';
import { keyOf, type ObjectKey, type Resource } from './resource.ts';

export interface CatchUpOptions {
  readonly client: Pick<KubeClient, 'list' | 'listAll'>;
  readonly resource: Resource;
  /** What the watch selects. */
  readonly select: SelectOptions;
  readonly store: Pick<ObjectStore<unknown>, 'get' | 'hasSeen' | 'keys'>;
  readonly isConcerned: (object: KubeObject) => boolean;
}

const FIRST_WAIT_MS = 20;
const MAX_WAIT_MS = 1_000;

/** Resolves when nothing is behind. @throws as a list does */
export async function catchUp(options: CatchUpOptions, signal: AbortSignal): Promise<void> {
  const { client, resource, select, store } = options;
  const listed = new Set<string>();
  const behind = new Map<string, ObjectKey>();
  for await (const { items } of client.list(resource, select, signal)) {
    for (const item of items) {
      listed.add(idOf(keyOf(item)));
      if (options.isConcerned(item) && !hasSeen(store, item)) behind.set(idOf(keyOf(item)), keyOf(item));
    }
  }
  for (const key of store.keys()) if (!listed.has(idOf(key))) behind.set(idOf(key), key);
  for (let waitMs = FIRST_WAIT_MS; behind.size > 0; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    await pause(waitMs, signal).done;
    signal.throwIfAborted();
    for (const [id, key] of behind) if (await isCaughtUp(options, key, signal)) behind.delete(id);
  }
}

/** Looks again, since the object may have gone on changing: it counts that the watch shows some state of later. */
async function isCaughtUp(options: CatchUpOptions, key: ObjectKey, signal: AbortSignal): Promise<boolean> {
  const { client, resource, select, store } = options;
  const name = `metadata.name=${key.name}`;
  // By list, since a role that lets a kind be watched need not let its objects be read one by one.
  const one = { ...select, namespace: key.namespace ?? select.namespace, fieldSelector: name };
  const [found] = await client.listAll(resource, one, signal);
  return found === undefined ? store.get(key.namespace, key.name) === undefined : hasSeen(store, found);
}

function hasSeen(store: CatchUpOptions['store'], { metadata }: KubeObject): boolean {
  const { namespace, name, uid = '', resourceVersion = '' } = metadata;
  return store.hasSeen(namespace, name, uid, resourceVersion);
}

function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace ?? ''}/${name}`;
}
