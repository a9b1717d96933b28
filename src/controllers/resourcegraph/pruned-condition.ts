// The condition `Pruned`: whether anything that left the graph is still there. A graph that never had anything to prune
// has none, and settled ones keep what they have.
import type { Condition } from '../../api/index.ts';
import { findCondition, type HasMetadata, setCondition } from '../../runtime/index.ts';

/** What pruning came to. */
export interface PrunedState {
  /** Objects that are left: none where `False` has nothing to say. */
  readonly isDone: boolean;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Says what came of pruning; `pruned` is undefined where the pass had nothing to prune. */
export function withPruned(
  graph: HasMetadata,
  conditions: readonly Condition[],
  pruned: PrunedState | undefined,
  nowIso: string,
): readonly Condition[] {
  const known = findCondition(conditions, 'Pruned');
  if (pruned === undefined && known?.status !== 'False') return conditions;
  const { isDone, reason, message } = pruned ?? ALL_GONE;
  const status = isDone ? 'True' : 'False';
  const observedGeneration = graph.metadata.generation;
  return setCondition(conditions, { type: 'Pruned', status, reason, message, observedGeneration }, nowIso);
}

/** Nothing that left the graph is there any more. */
export const ALL_GONE: PrunedState = {
  isDone: true,
  reason: 'Pruned',
  message: 'nothing is left of what the graph no longer has',
};
