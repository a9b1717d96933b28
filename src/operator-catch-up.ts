// Before a replica begins with graphs that another one has worked on, its watches have to show what that one left.
import { GRAPH_LABEL, type KubeObject } from './api/index.ts';
import { messageOf } from './errors.ts';
import { applySetId } from './graph/index.ts';
import { type InformerState, pause } from './kube/index.ts';
import type { Logger } from './observability/index.ts';
import type { KeyFilter } from './runtime/index.ts';

/** How long the watch of a kind of children may lag behind before its graphs are begun all the same. */
const CHILDREN_LIMIT_MS = 30_000;
const RETRY_MS = 1_000;

type CatchUp = (isConcerned: (object: KubeObject) => boolean, signal: AbortSignal) => Promise<void>;

/** The watch of one kind of children. */
export interface CaughtUp {
  readonly state: InformerState;
  readonly resource: { readonly kind: string };
  readonly catchUp: CatchUp;
}

export interface CatchUpOptions {
  readonly transforms: { readonly catchUp: CatchUp };
  readonly graphs: { readonly catchUp: CatchUp; values(): readonly KubeObject[] };
  readonly children: { informers(): readonly CaughtUp[] };
  readonly log: Logger;
  /** Default: {@link CHILDREN_LIMIT_MS}. */
  readonly limitMs?: number;
  /** Between two tries of a list that fails. */
  readonly retryMs?: number;
}

/** Resolves when what the watches show of these keys is as new as now. @throws as lists of Transforms and graphs do */
export async function catchUp(
  options: CatchUpOptions,
  isGained: KeyFilter,
  signal: AbortSignal,
): Promise<void> {
  const { children, graphs, transforms } = options;
  const isKey = ({ metadata }: KubeObject): boolean =>
    isGained({ namespace: metadata.namespace ?? '', name: metadata.name });
  await Promise.all([transforms.catchUp(isKey, signal), graphs.catchUp(isKey, signal)]);
  const gained = graphs.values().filter(isKey);
  const ids = new Set(
    gained.map(({ metadata: { namespace = '', name } }) => applySetId({ namespace, name })),
  );
  const isChild = ({ metadata }: KubeObject): boolean => ids.has(metadata.labels?.[GRAPH_LABEL] ?? '');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(options.limitMs ?? CHILDREN_LIMIT_MS)]);
  await Promise.all(children.informers().map((kind) => catchUpKind(options, kind, isChild, limit)));
  signal.throwIfAborted();
}

/** Tries until the limit: a list that fails says nothing about how old the watch is. */
async function catchUpKind(
  { log, retryMs = RETRY_MS }: CatchUpOptions,
  informer: CaughtUp,
  isChild: (object: KubeObject) => boolean,
  limit: AbortSignal,
): Promise<void> {
  let problem: unknown = limit.reason;
  while (!limit.aborted) {
    // What can't be watched now is no older here than it would be for whoever had worked on without a break.
    if (informer.state === 'Forbidden' || informer.state === 'NotServed') return;
    try {
      await informer.catchUp(isChild, limit);
      return;
    } catch (error) {
      problem = error;
    }
    await pause(retryMs, limit).done;
  }
  log.warn({ kind: informer.resource.kind, problem: messageOf(problem) }, 'watch of a kind lags behind');
}
