// Under the policies that don't repair, objects that are not as they were applied are looked at: once for each state that
// the watch shows, so that it can be said what was changed, and by interval where no watch shows them, which is where
// they lost our label. A look is a read and a dry run; it writes nothing.
import type { ResourceGraphStatus } from '../../api/index.ts';
import { type DriftLook, type GraphOwner, ObjectApplier, observe } from '../../apply/index.ts';
import { messageOf } from '../../errors.ts';
import { type DriftSign, driftPolicyOf, driftSign } from './drift.ts';
import type { Ledger } from './ledger.ts';
import type { PassRun } from './pass-prepare.ts';
import type { NodeTarget, Targets } from './targets.ts';
import { isCreatedOnly, workOf } from './work.ts';

/** How often an object is looked at that no watch shows. */
const UNSEEN_INTERVAL_MS = 5 * 60_000;
/** When to look again after a look failed. */
const FAILED_RETRY_MS = 30_000;

/** What the looks of a pass go by. */
export interface LookRun {
  readonly owner: GraphOwner;
  readonly status: ResourceGraphStatus;
  readonly targets: Targets;
  readonly ledger: Ledger;
}

/** A node whose object has drifted and stays so. */
interface Suspect {
  readonly target: NodeTarget;
  readonly sign: DriftSign;
}

/** Looks where that is due. @returns the ids of the nodes whose drift is to be reported */
export async function lookAtDrifts(
  run: PassRun,
  looks: LookRun,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const policy = driftPolicyOf(run.graph);
  const memory = run.session.drift;
  if (policy === 'correct') {
    memory.keepLooks([]);
    return new Set();
  }
  const suspects = (): readonly Suspect[] =>
    [...looks.targets.values()].flatMap((target) => suspectOf(run, looks, target) ?? []);
  const isWanted = ({ sign: { state } }: Suspect): boolean =>
    state === 'unseen' || (state === 'changed' && policy === 'detect');
  const wanted = suspects().filter((suspect) => isWanted(suspect) && isDue(run, suspect));
  await lookAtAll(run, looks, wanted, signal);
  // Where a look showed that nothing was changed, the entry in the ledger says so now.
  const left = suspects();
  memory.keepLooks(left.filter(isWanted).map(({ target }) => target.identity));
  return new Set(policy === 'ignore' ? [] : left.map(({ target }) => target.planNode.id));
}

function suspectOf(
  { children, key }: PassRun,
  { ledger, owner, status }: LookRun,
  target: NodeTarget,
): Suspect | undefined {
  const { identity, planNode, resource } = target;
  const entry = ledger.get(identity);
  if (resource === undefined || entry === undefined || isCreatedOnly(target)) return undefined;
  const watched = children.observation(key, resource, identity);
  const sign = driftSign(entry, watched, owner.manager);
  if (sign === undefined) return undefined;
  const nodeStatus = status.nodeStatus?.[planNode.id] ?? { phase: 'Pending' };
  return workOf(target, entry, watched, nodeStatus, owner) === 'repair' ? { target, sign } : undefined;
}

/** Of an object that changes all the time, the last look counts for a while. */
function isDue({ now, session }: PassRun, { target: { identity }, sign }: Suspect): boolean {
  if (session.drift.lookAt(identity, sign.key, now()) !== undefined) return false;
  const laterMs = session.repairPace.nextAtMs(identity, now());
  if (laterMs === undefined) return true;
  session.drift.postponed(identity, sign.key, laterMs);
  return false;
}

async function lookAtAll(
  run: PassRun,
  looks: LookRun,
  suspects: readonly Suspect[],
  signal: AbortSignal,
): Promise<void> {
  if (suspects.length === 0) return;
  const { graph, key, tenancy } = run;
  const clientOf = tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, signal);
  await Promise.all(
    suspects.map(async (suspect) => {
      try {
        const applier = new ObjectApplier(await clientOf, looks.owner);
        await look(run, looks, applier, suspect, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { target, sign } = suspect;
        const dueAtMs = run.now() + FAILED_RETRY_MS;
        run.session.drift.looked(target.identity, {
          seen: sign.key,
          drift: undefined,
          glimpse: undefined,
          dueAtMs,
        });
        run.log.debug({ node: target.planNode.id, error: messageOf(error) }, 'drift can not be looked at');
      }
    }),
  );
}

async function look(
  run: PassRun,
  { ledger }: LookRun,
  applier: ObjectApplier,
  { target, sign }: Suspect,
  signal: AbortSignal,
): Promise<void> {
  const { identity, planNode, resource, stamped } = target;
  const entry = ledger.get(identity);
  if (resource === undefined || entry === undefined) return;
  const ignoreFields = planNode.node.ignoreFields ?? [];
  const found: DriftLook = await applier.look({ entry, ignoreFields, resource, stamped }, signal);
  run.session.repairPace.repaired(identity, run.now());
  if (found.drift === undefined) {
    ledger.set(found.entry);
    return;
  }
  const isUnseen = sign.state === 'unseen';
  run.session.drift.looked(identity, {
    seen: sign.key,
    drift: found.drift,
    glimpse: isUnseen && found.live !== undefined ? observe(found.live, run.interests) : undefined,
    dueAtMs: isUnseen ? run.now() + UNSEEN_INTERVAL_MS : undefined,
  });
}
