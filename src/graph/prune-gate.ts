// Whether a graph may prune at all, by the states of its nodes. Nothing is removed while anything about the graph is wrong:
// a node that is missing from it may be missing by mistake. Values that are not known are judged where they are published.
import type { GraphNode, NodeStatuses, PrunePolicy } from '../api/index.ts';

export type PruneBlockReason = 'NodeFailed' | 'Unresolved' | 'WaitingForNodes' | 'WaitingForReady';

export interface PruneBlock {
  readonly reason: PruneBlockReason;
  readonly message: string;
}

export interface PruneQuestion {
  readonly nodes: readonly Pick<GraphNode, 'id'>[];
  readonly statuses: NodeStatuses;
  /** Every node's object is in the cluster as this graph wants it. */
  readonly isFullyApplied: boolean;
  /** Default `AfterApplied`. */
  readonly policy: PrunePolicy | undefined;
}

/** Why nothing may be removed yet; undefined where what the graph lacks may go. */
export function whyNotPruned(question: PruneQuestion): PruneBlock | undefined {
  return notApplied(question) ?? notReady(question);
}

function notApplied({ nodes, statuses, isFullyApplied }: PruneQuestion): PruneBlock | undefined {
  if (isFullyApplied) return undefined;
  const failed = nodes.find(({ id }) => statuses[id]?.phase === 'Error');
  if (failed !== undefined) return { reason: 'NodeFailed', message: `node ${failed.id} can't be applied` };
  return { reason: 'WaitingForNodes', message: 'not every node is applied yet' };
}

function notReady({ nodes, statuses, policy }: PruneQuestion): PruneBlock | undefined {
  if (policy !== 'AfterReady') return undefined;
  const late = nodes.find(({ id }) => statuses[id]?.phase !== 'Ready');
  if (late === undefined) return undefined;
  return {
    reason: 'WaitingForReady',
    message: `node ${late.id} is not ready, and prunePolicy is AfterReady`,
  };
}
