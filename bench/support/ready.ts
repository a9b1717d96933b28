// Waits until Transforms say that they are Ready, by a watch: looking again and again would be load of its own. The API
// server ends a watch that it has more to tell than it wants to keep; it is opened anew then, and starts from what there is.

import type { KubeObject, NamespacedName } from '../../src/api/index.ts';
import { isJsonArray, isJsonObject } from '../../src/json/index.ts';
import { type OperatorClient, TRANSFORMS } from '../../src/kube/index.ts';

const WATCH_SECONDS = 3600;

/** A watch that is open. */
export interface ReadyWatch {
  /** Resolves when all have been Ready. */
  wait(): Promise<void>;
  /** Ends it. */
  close(): void;
}

/** Opens the watch, so that nothing that happens to these from now on is missed. */
export async function watchReady(
  admin: OperatorClient,
  transforms: readonly NamespacedName[],
  signal: AbortSignal,
): Promise<ReadyWatch> {
  const missing = new Set(transforms.map(({ namespace, name }) => `${namespace}/${name}`));
  const closing = new AbortController();
  const ended = AbortSignal.any([signal, closing.signal]);
  const options = { timeoutSeconds: WATCH_SECONDS, sendsInitialEvents: true };
  const [namespace, ...others] = new Set(transforms.map((transform) => transform.namespace));
  const select = others.length === 0 && namespace !== undefined ? { ...options, namespace } : options;
  let frames = await admin.watch(TRANSFORMS, select, ended);
  const wait = async (): Promise<void> => {
    for (;;) {
      for await (const frame of frames) {
        if (frame.type === 'ERROR') throw frame.error;
        if (frame.type !== 'ADDED' && frame.type !== 'MODIFIED') continue;
        const { metadata } = frame.object;
        if (isReady(frame.object)) missing.delete(`${metadata.namespace}/${metadata.name}`);
        if (missing.size === 0) return;
      }
      ended.throwIfAborted();
      frames = await admin.watch(TRANSFORMS, select, ended);
    }
  };
  return { wait, close: () => closing.abort() };
}

/** Whether a Transform says of its newest spec that it is Ready. */
export function isReady({ metadata, ...object }: KubeObject): boolean {
  const status = object['status'];
  if (!isJsonObject(status) || status['observedGeneration'] !== metadata.generation) return false;
  const conditions = status['conditions'];
  return (
    isJsonArray(conditions) &&
    conditions.some((it) => isJsonObject(it) && it['type'] === 'Ready' && it['status'] === 'True')
  );
}
