// What is still there once everything should be gone.
import { setTimeout as delay } from 'node:timers/promises';
import { GRAPH_LABEL } from '../src/api/index.ts';
import type { Kubectl } from '../test/control-plane/index.ts';

const POLL_MS = 500;
/** Written by everybody, kept for an hour, gone by themselves. */
const NOT_OBJECTS = ['events', 'events.events.k8s.io'];

/** Names of all objects of a namespace, such as `configmap/kube-root-ca.crt`, events aside. */
export async function objectsIn(kubectl: Kubectl, namespace: string): Promise<ReadonlySet<string>> {
  const kinds = await listableKinds(kubectl, ['--namespaced=true']);
  return names(await kubectl(['get', kinds, '--namespace', namespace, '--output', 'name']));
}

/** Objects of any kind and anywhere that carry the label of a graph. */
export async function labelledObjects(kubectl: Kubectl): Promise<ReadonlySet<string>> {
  const kinds = await listableKinds(kubectl, []);
  const selection = ['--all-namespaces', '--selector', GRAPH_LABEL];
  return names(await kubectl(['get', kinds, ...selection, '--output', 'name']));
}

/**
 * Waits until the namespace holds only what it held `before`, and no object anywhere has a graph's label: the garbage
 * collector takes a moment for Pods and EndpointSlices.
 * @throws Error that names what is still there when `signal` fires
 */
export async function waitUntilClean(
  kubectl: Kubectl,
  namespace: string,
  before: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const left = (await objectsIn(kubectl, namespace))
      .difference(before)
      .union(await labelledObjects(kubectl));
    if (left.size === 0) return;
    if (signal.aborted) throw new Error(`left behind: ${[...left].sort().join(', ')}`);
    await delay(POLL_MS);
  }
}

async function listableKinds(kubectl: Kubectl, flags: readonly string[]): Promise<string> {
  const kinds = names(await kubectl(['api-resources', '--verbs=list,delete', '--output', 'name', ...flags]));
  return [...kinds].filter((kind) => !NOT_OBJECTS.includes(kind)).join(',');
}

function names(output: string): ReadonlySet<string> {
  return new Set(output.split('\n').filter((line) => line !== ''));
}
