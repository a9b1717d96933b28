// Health in a graph's status: the condition, the setbacks of nodes, the history, and when everything was applied.
import type { Execution, NodeStatuses, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { type GraphSummary, type Health, healthOf, historyAfter } from '../../graph/index.ts';
import { findCondition, setCondition } from '../../runtime/index.ts';

const STATUSES = { Unknown: 'Unknown', Healthy: 'True', Degraded: 'False' } as const;
const REASONS = { Unknown: 'NotYetReady', Healthy: 'Healthy', Degraded: 'Degraded' } as const;

/** What the pass came to, before health is added. */
export interface HealthInput {
  readonly summary: GraphSummary;
  readonly execution: Execution | undefined;
  readonly status: ResourceGraphStatus;
}

/** The status with its health. */
export function withHealth(
  graph: ResourceGraph,
  previous: ResourceGraphStatus,
  { summary, execution, status }: HealthInput,
  nowIso: string,
): ResourceGraphStatus {
  const before = healthIn(previous);
  const health = healthOf(before !== 'Unknown', summary, status.nodeStatus ?? {}, execution);
  const condition = {
    type: 'Healthy',
    status: STATUSES[health.state],
    reason: REASONS[health.state],
    message: health.message,
    observedGeneration: graph.metadata.generation,
  };
  const history = historyAfter(
    previous.history,
    { ...previous, health: before, healthMessage: '' },
    { ...status, health: health.state, healthMessage: health.message },
    nowIso,
  );
  const { executedAt: _executedAt, ...rest } = status;
  return {
    ...rest,
    ...executedAt(previous, status, nowIso),
    ...(history === undefined ? {} : { history }),
    conditions: setCondition(status.conditions, condition, nowIso),
  };
}

/** What a status says of health; Unknown where it says nothing. */
function healthIn({ conditions }: ResourceGraphStatus): Health['state'] {
  switch (findCondition(conditions, 'Healthy')?.status) {
    case 'True':
      return 'Healthy';
    case 'False':
      return 'Degraded';
    default:
      return 'Unknown';
  }
}

function executedAt(
  previous: ResourceGraphStatus,
  { executedHash, nodeStatus = {} }: ResourceGraphStatus,
  nowIso: string,
): Pick<ResourceGraphStatus, 'executedAt'> {
  if (previous.executedHash === executedHash && previous.executedAt !== undefined)
    return { executedAt: previous.executedAt };
  return isApplied(nodeStatus) ? { executedAt: nowIso } : {};
}

function isApplied(statuses: NodeStatuses): boolean {
  return Object.values(statuses).every(
    (status) => status !== undefined && status.phase !== 'Pending' && status.nextAttemptAt === undefined,
  );
}
