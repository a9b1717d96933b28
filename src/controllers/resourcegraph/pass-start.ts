// Phases "rights" and "inventory before": what has to hold, and to be stored, before the first write.

import {
  describeIdentity,
  type InventoryItem,
  identityKey,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import { PequodError } from '../../errors.ts';
import { isoSeconds } from '../../graph/index.ts';
import type { TenantClient } from '../../kube/index.ts';
import { lookForAdoptable } from './adoption.ts';
import { driftPolicyOf, refusedDrifts } from './drift.ts';
import { outcomeOf } from './pass-finish.ts';
import type { PassRun, Prepared } from './pass-prepare.ts';
import { requireRights } from './rights.ts';
import { statusOfOutcome } from './status.ts';
import { withDriftDetected } from './status-conditions.ts';

/** The tenant's client, where it exists and may do what has to be done. */
async function admit(run: PassRun, prepared: Prepared, signal: AbortSignal): Promise<TenantClient> {
  const { graph, key, session, tenancy } = run;
  try {
    const client = await tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, signal);
    await requireRights(run, prepared.targets, prepared.inputs, signal);
    return client;
  } catch (error) {
    // What the nodes say about the end of objects that exist counts, also while nothing can be applied.
    const known = new Set(prepared.status.inventory?.items.map(identityKey));
    const { graphUID, items } = prepared.ledger.toInventory();
    const inventory = { graphUID, items: items.filter((item) => known.has(identityKey(item))) };
    const conditions = conditionsOfRefusal(run, prepared, error);
    if (known.size > 0) session.pendingStatus = { ...prepared.status, ...conditions, inventory };
    throw error;
  }
}

/** What was changed can't be put back without rights, or without the ServiceAccount. */
function conditionsOfRefusal(
  { graph, now }: PassRun,
  { drifted, status, targets }: Prepared,
  error: unknown,
): Pick<ResourceGraphStatus, 'conditions'> {
  if (drifted.size === 0 || driftPolicyOf(graph) !== 'correct' || !(error instanceof PequodError)) return {};
  const drifts = refusedDrifts(drifted, targets, error.reason);
  return { conditions: withDriftDetected(graph, status.conditions ?? [], drifts, isoSeconds(now())) };
}

/** Rights, and the inventory before the first write. @returns the client to work with, or `stale`. */
export async function start(
  run: PassRun,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<TenantClient | 'stale'> {
  const { graph, session, writer } = run;
  const client = await admit(run, prepared, signal);
  const isAdopting = await lookForAdoptable(run, prepared, client, signal);
  if (!prepared.isInventoryDue && !isAdopting) return client;
  const outcome = outcomeOf(prepared);
  const status = statusOfOutcome(graph, prepared.status, outcome, isoSeconds(run.now()));
  const { type } = await writer.write(graph, session, status, false, signal);
  return type === 'settled' ? client : 'stale';
}

/** Writes the inventory with an entry of something found; one write at a time, since each carries all entries. */
export function foundRecorder(
  run: PassRun,
  prepared: Prepared,
  signal: AbortSignal,
): (entry: InventoryItem) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const record = async (entry: InventoryItem): Promise<void> => {
    prepared.ledger.set(entry);
    const what = entry.origin === 'Adopted' ? 'it is adopted' : 'it is shared, and stays';
    run.log.info({ node: entry.nodeId, object: describeIdentity(entry) }, `object was there before: ${what}`);
    const status = statusOfOutcome(run.graph, prepared.status, outcomeOf(prepared), isoSeconds(run.now()));
    const { type } = await run.writer.write(run.graph, run.session, status, false, signal);
    if (type === 'settled') return;
    throw new PequodError('the graph changed while its inventory was to be written', {
      code: 'GRAPH_CHANGED',
      reason: 'Conflict',
      retry: 'backoff',
    });
  };
  return (entry) => {
    const next = last.then(() => record(entry));
    last = next.catch(() => undefined);
    return next;
  };
}
