// The conditions of a graph, each from what it speaks of. `Reconciling` and `Stalled` are there only while they are true.
import type { Condition } from '../../api/index.ts';
import { type HasMetadata, removeCondition, setCondition } from '../../runtime/index.ts';

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
