// The names of what is created together, and how long the cluster's own controllers are busy with it.
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonArray, isJsonObject, type JsonObject } from '../../src/json/index.ts';
import type { OperatorClient, Resource } from '../../src/kube/index.ts';

/** Transforms, or what takes their place, in fresh namespaces. */
export interface Batch {
  readonly namespaces: readonly string[];
  readonly names: readonly { readonly namespace: string; readonly name: string }[];
}

/** Of them in one namespace. */
const PER_NAMESPACE = 25;
const POLL_MS = 100;
const DEPLOYMENTS: Resource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  verbs: ['list'],
};

/** Waits until the Deployment controller is done with the batch. */
export async function untilRolledOut(
  admin: OperatorClient,
  batch: Batch,
  signal: AbortSignal,
): Promise<void> {
  for (const namespace of batch.namespaces) {
    const isDone = async (): Promise<boolean> =>
      (await admin.listAll(DEPLOYMENTS, { namespace }, signal)).every(({ status }) => isRolledOut(status));
    while (!(await isDone())) await delay(POLL_MS, undefined, { signal });
  }
}

function isRolledOut(status: unknown): boolean {
  if (!isJsonObject(status)) return false;
  const conditions = status['conditions'];
  return isJsonArray(conditions) && conditions.some((it) => isJsonObject(it) && isAvailable(it));
}

function isAvailable(condition: JsonObject): boolean {
  return condition['type'] === 'Available' && condition['status'] === 'True';
}

export function batchOf(prefix: string, count: number): Batch {
  const namespaces = Array.from({ length: Math.ceil(count / PER_NAMESPACE) }, (_, n) => `${prefix}-${n + 1}`);
  const names = Array.from({ length: count }, (_, n) => ({
    namespace: `${prefix}-${Math.floor(n / PER_NAMESPACE) + 1}`,
    name: `app-${n + 1}`,
  }));
  return { namespaces, names };
}
