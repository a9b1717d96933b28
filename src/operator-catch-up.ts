// Before a replica begins with graphs that another one has worked on, its watches have to show what that one left.
import { GRAPH_LABEL, type KubeObject } from './api/index.ts';
import type { Observation } from './apply/index.ts';
import { messageOf } from './errors.ts';
import { applySetId } from './graph/index.ts';
import type { InformerSet } from './kube/index.ts';
import type { Logger } from './observability/index.ts';
import type { OperatorWatches } from './operator-watches.ts';
import type { KeyFilter } from './runtime/index.ts';

/** How long the watch of a kind of children may lag behind before its graphs are begun all the same. */
const CHILDREN_LIMIT_MS = 30_000;

/** Resolves when what the watches show of these keys is as new as now. */
export async function catchUp(
  { transforms, graphs }: Pick<OperatorWatches, 'graphs' | 'transforms'>,
  children: InformerSet<Observation>,
  isGained: KeyFilter,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const isKey = ({ metadata }: KubeObject): boolean =>
    isGained({ namespace: metadata.namespace ?? '', name: metadata.name });
  await Promise.all([transforms.catchUp(isKey, signal), graphs.catchUp(isKey, signal)]);
  const gained = graphs.values().filter(isKey);
  const ids = new Set(
    gained.map(({ metadata: { namespace = '', name } }) => applySetId({ namespace, name })),
  );
  const isChild = ({ metadata }: KubeObject): boolean => ids.has(metadata.labels?.[GRAPH_LABEL] ?? '');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CHILDREN_LIMIT_MS)]);
  const looks = children.informers().map(async (informer) => {
    // What can't be watched now is no older here than it would be for whoever had worked on without a break.
    if (informer.state === 'Forbidden' || informer.state === 'NotServed') return;
    try {
      await informer.catchUp(isChild, limit);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ kind: informer.resource.kind, problem: messageOf(error) }, 'watch of a kind lags behind');
    }
  });
  await Promise.all(looks);
}
