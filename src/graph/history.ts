// The notable transitions of a graph, the newest last and no more than ten. What goes on and on is no news.
import type { GraphTransition, NodeStatuses, ResourceGraphStatus } from '../api/index.ts';
import type { Health } from './health.ts';

const MAX_TRANSITIONS = 10;
const MAX_MESSAGE = 512;

/** What a status says that the history is made from. */
export interface Moment
  extends Pick<ResourceGraphStatus, 'phase' | 'nodeStatus' | 'blockedBy' | 'execution'> {
  readonly health: Health['state'];
  readonly healthMessage: string;
}

/** The history after a step from one status to the next; the same list where nothing notable happened. */
export function historyAfter(
  history: readonly GraphTransition[] | undefined,
  before: Moment,
  after: Moment,
  nowIso: string,
): readonly GraphTransition[] | undefined {
  const news = [...transitions(before, after)].map(([reason, message]) => ({
    time: nowIso,
    reason,
    message: message.slice(0, MAX_MESSAGE),
  }));
  return news.length === 0 ? history : [...(history ?? []), ...news].slice(-MAX_TRANSITIONS);
}

function* transitions(before: Moment, after: Moment): Generator<readonly [reason: string, message: string]> {
  if (before.health === 'Healthy' && after.health === 'Degraded') yield ['Degraded', after.healthMessage];
  for (const id of newlyQuarantined(before.nodeStatus, after.nodeStatus)) {
    const until = after.nodeStatus?.[id]?.quarantinedUntil ?? '';
    yield ['Quarantined', `${id} did not stay ready; its repairs wait until ${until}`];
  }
  if (after.phase === 'Failed' && before.phase !== 'Failed')
    yield ['Failed', after.blockedBy ?? 'has failed'];
  if (after.phase !== 'Ready' || before.phase === 'Ready') return;
  const isChange = before.execution !== undefined || before.health === 'Unknown';
  if (before.health === 'Degraded' && !isChange) yield ['Recovered', 'all nodes are ready again'];
  else if (before.health === 'Unknown') yield ['FirstReady', 'all nodes are ready for the first time'];
  else if (isChange)
    yield ['RolledOut', `all nodes are ready with ${before.execution?.renderHash ?? 'the change'}`];
}

function newlyQuarantined(
  before: NodeStatuses | undefined,
  after: NodeStatuses | undefined,
): readonly string[] {
  return Object.entries(after ?? {}).flatMap(([id, status]) => {
    const until = status?.quarantinedUntil;
    return until !== undefined && until !== before?.[id]?.quarantinedUntil ? [id] : [];
  });
}
