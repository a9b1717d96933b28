// Sees objects come back to what they should be, by a watch: an edit counts as repaired once the watch has shown the edit
// and after it the right value, a deletion once it has shown the object gone and there again.
import { gvkOf, type KubeObject } from '../../src/api/index.ts';
import { isJsonObject } from '../../src/json/index.ts';
import { CONFIG_MAPS, type OperatorClient } from '../../src/kube/index.ts';

export interface Repairs {
  /** Resolves with the time, in ms, at which the watch showed the object as it should be again. */
  repaired(namespace: string, name: string): Promise<number>;
  close(): void;
}

interface Waiting {
  /** The damage itself was seen. */
  isDamageSeen: boolean;
  readonly resolve: (atMs: number) => void;
}

const WATCH_SECONDS = 3600;

/** @param labelSelector of the objects @param isRight true for an object as it should be */
export async function watchRepairs(
  admin: OperatorClient,
  labelSelector: string,
  isRight: (object: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<Repairs> {
  const waiting = new Map<string, Waiting>();
  const closing = new AbortController();
  const ended = AbortSignal.any([signal, closing.signal]);
  const options = { labelSelector, timeoutSeconds: WATCH_SECONDS };
  const frames = await admin.watch(CONFIG_MAPS, options, ended);
  const follow = async (): Promise<void> => {
    for await (const frame of frames) {
      if (frame.type === 'ERROR') throw frame.error;
      if (frame.type === 'BOOKMARK') continue;
      const { namespace, name } = frame.object.metadata;
      const key = `${namespace}/${name}`;
      const entry = waiting.get(key);
      if (entry === undefined) continue;
      if (frame.type === 'DELETED' || !isRight(frame.object)) entry.isDamageSeen = true;
      else if (entry.isDamageSeen) {
        waiting.delete(key);
        entry.resolve(performance.now());
      }
    }
  };
  const following = follow();
  following.catch(() => undefined);
  return {
    repaired: (namespace, name) =>
      new Promise((resolve, reject) => {
        waiting.set(`${namespace}/${name}`, { isDamageSeen: false, resolve });
        following.catch(reject);
      }),
    close: () => closing.abort(),
  };
}

/** The member of a ConfigMap's data. */
export function dataOf(object: KubeObject, key: string): unknown {
  const data = gvkOf(object).kind === 'ConfigMap' ? object['data'] : undefined;
  return isJsonObject(data) ? data[key] : undefined;
}
