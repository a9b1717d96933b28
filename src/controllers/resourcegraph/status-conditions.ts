// The conditions of a graph, each from what it speaks of. `Reconciling` and `Stalled` are there only while they are true.
import type { Condition, ResourceGraph } from '../../api/index.ts';
import { findCondition, type HasMetadata, removeCondition, setCondition } from '../../runtime/index.ts';
import { driftPolicyOf, type OpenDrift } from './drift.ts';

/** Reason of a graph that is suspended. */
export const SUSPENDED = 'Suspended' as const;

/** What `Ready` says, and whether anybody has to do something. */
export interface ReadyState {
  readonly isReady: boolean;
  readonly isStalled: boolean;
  readonly reason: string;
  readonly message: string;
}

/** The conditions after a pass. `Reconciling` and `Stalled` come and go, as kstatus wants it. */
export function conditionsOf(
  graph: HasMetadata,
  previous: readonly Condition[] | undefined,
  ready: ReadyState,
  removing: readonly string[],
  nowIso: string,
): readonly Condition[] {
  const observedGeneration = graph.metadata.generation;
  const { reason, message } = ready;
  const status = ready.isReady ? 'True' : 'False';
  let conditions = setCondition(
    previous,
    { type: 'Ready', status, reason, message, observedGeneration },
    nowIso,
  );
  const isReconciling = removing.length > 0 || (!ready.isReady && !ready.isStalled);
  const doing =
    removing.length > 0 ? { reason: 'Removing', message: removing.join('; ') } : { reason, message };
  conditions = isReconciling
    ? setCondition(conditions, { type: 'Reconciling', status: 'True', ...doing, observedGeneration }, nowIso)
    : removeCondition(conditions, 'Reconciling');
  return ready.isStalled
    ? setCondition(
        conditions,
        { type: 'Stalled', status: 'True', reason, message, observedGeneration },
        nowIso,
      )
    : removeCondition(conditions, 'Stalled');
}

/** Most objects that the condition names. */
const MAX_DRIFTS = 5;

/**
 * The conditions with `DriftDetected`: true only while there is drift that is not repaired, false once it was, and not
 * there where there never was any or where nobody wants to know.
 */
export function withDriftDetected(
  graph: ResourceGraph,
  conditions: readonly Condition[],
  drifts: readonly OpenDrift[],
  nowIso: string,
): readonly Condition[] {
  if (driftPolicyOf(graph) === 'ignore') return removeCondition(conditions, 'DriftDetected');
  const observedGeneration = graph.metadata.generation;
  const [first] = drifts;
  if (first === undefined) {
    if (findCondition(conditions, 'DriftDetected') === undefined) return conditions;
    const message = 'all objects are as they were applied';
    return setCondition(
      conditions,
      { type: 'DriftDetected', status: 'False', reason: 'NoDrift', message, observedGeneration },
      nowIso,
    );
  }
  const message = describeDrifts(drifts);
  return setCondition(
    conditions,
    { type: 'DriftDetected', status: 'True', reason: first.reason, message, observedGeneration },
    nowIso,
  );
}

/** `settings: ConfigMap shop/a: .data.k was changed by kubectl-edit; …` */
export function describeDrifts(drifts: readonly OpenDrift[]): string {
  const lines = drifts.slice(0, MAX_DRIFTS).map(({ nodeId, object, text }) => `${nodeId}: ${object}${text}`);
  const more = drifts.length > MAX_DRIFTS ? [`${drifts.length - MAX_DRIFTS} more`] : [];
  return [...lines, ...more].join('; ');
}
