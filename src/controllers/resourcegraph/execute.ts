// Carries out what a pass decides: starts the nodes that it names, feeds back what came of them and what the watches
// see meanwhile, and ends when nothing is in flight and nothing can start.
import {
  type DriftPolicy,
  describeIdentity,
  GRAPH_LABEL,
  gvkOf,
  type InventoryItem,
  identityKey,
  type NamespacedName,
  type ObjectIdentity,
  ORIGIN_ANNOTATION,
} from '../../api/index.ts';
import {
  type ApplyNotice,
  type ApplyOutcome,
  type ApplyRequest,
  type GraphOwner,
  type ObjectAdopter,
  type ObjectApplier,
  type Observation,
  observe,
} from '../../apply/index.ts';
import { assertNever, PequodError } from '../../errors.ts';
import { failureOf, isoSeconds, type Pass, type StartableNode } from '../../graph/index.ts';
import type { Resource } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import { isAdoptionDue } from './adoption.ts';
import type { Children } from './children.ts';
import { driftSign } from './drift.ts';
import { Inbox } from './inbox.ts';
import { judgeReadiness, type Signs } from './judge.ts';
import { kindNotServed } from './kinds.ts';
import type { Ledger } from './ledger.ts';
import { expressionsOf, type NodeInterests } from './node-interests.ts';
import type { GraphSession } from './session.ts';
import { isMirrored, type NodeTarget, type Targets } from './targets.ts';
import { isCreatedOnly } from './work.ts';

/** Longest time until an object whose label was taken away is given it again. */
const LABEL_RETRY_MS = 60_000;

export interface Execution {
  readonly key: NamespacedName;
  readonly owner: GraphOwner;
  readonly pass: Pass;
  readonly targets: Targets;
  readonly ledger: Ledger;
  readonly session: GraphSession;
  readonly applier: ObjectApplier;
  readonly adopter: ObjectAdopter;
  readonly children: Children;
  readonly interests: NodeInterests;
  /** Nodes whose kind can't be worked on, or whose object can't be adopted: they fail with this. */
  readonly unavailable: ReadonlyMap<string, unknown>;
  readonly signs: Signs;
  /** Called with each node that was created or changed. */
  readonly renewSigns: (nodeId: string) => void;
  readonly driftPolicy: DriftPolicy;
  readonly now: () => number;
  readonly log: Logger;
  /** Stores that an object was there before us. */
  readonly recordFound: (entry: InventoryItem) => Promise<void>;
  /** Called with each failure, e.g. to forget a review of rights after a 403. */
  readonly onFailure: (error: unknown) => void;
  /** Subscribes to newer versions of the graph; the pass stops at the first. */
  readonly onSuperseded: (listener: () => void) => () => void;
}

type Message =
  | { readonly type: 'settled' }
  | { readonly type: 'observed'; readonly identity: string }
  | { readonly type: 'superseded' };

/** Runs a pass to its end. Failures of nodes are in the pass; only an abort of `signal` is thrown. */
export async function execute(run: Execution, signal: AbortSignal): Promise<void> {
  const inbox = new Inbox<Message>();
  const nodeOf = new Map([...run.targets].map(([id, target]) => [identityKey(target.identity), id]));
  const endChildren = run.children.onChange((graphId, identity) => {
    if (graphId === run.owner.graphId) inbox.put({ type: 'observed', identity: identityKey(identity) });
  });
  const endSuperseded = run.onSuperseded(() => inbox.put({ type: 'superseded' }));
  const endAbort = listenToAbort(signal, () => inbox.put({ type: 'superseded' }));
  try {
    for (;;) {
      for (const start of run.pass.takeStartable(run.now())) {
        void startNode(run, start, signal).then(() => inbox.put({ type: 'settled' }));
      }
      if (run.pass.isOver) break;
      take(run, nodeOf, await inbox.next());
    }
  } finally {
    endChildren();
    endSuperseded();
    endAbort();
  }
  signal.throwIfAborted();
}

function listenToAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function take(run: Execution, nodeOf: ReadonlyMap<string, string>, message: Message): void {
  if (message.type === 'superseded') run.pass.stop();
  if (message.type !== 'observed') return;
  const id = nodeOf.get(message.identity);
  const target = id === undefined ? undefined : run.targets.get(id);
  if (id === undefined || target?.resource === undefined || isMirrored(target)) return;
  const observation = run.children.observation(run.key, target.resource, target.identity);
  // What others changed meanwhile is the next pass's to repair: the node has not got worse by itself.
  if (isSettledDrift(run, target, observation)) return;
  run.pass.observed(
    id,
    judgeReadiness(target, observation, run.pass.statusOf(id), run.signs, run.now()),
    run.now(),
  );
}

/** True where a node that is Ready has drifted and is about to be repaired. */
function isSettledDrift(run: Execution, target: NodeTarget, observation: Observation | undefined): boolean {
  if (run.driftPolicy !== 'correct' || isCreatedOnly(target)) return false;
  if (run.pass.statusOf(target.planNode.id).phase !== 'Ready') return false;
  const entry = run.ledger.get(target.identity);
  return entry?.uid !== undefined && driftSign(entry, observation, run.owner.manager) !== undefined;
}

async function startNode(run: Execution, start: StartableNode, signal: AbortSignal): Promise<void> {
  const target = run.targets.get(start.id);
  if (target === undefined) return;
  try {
    const { resource } = target;
    if (run.unavailable.has(start.id)) throw run.unavailable.get(start.id);
    // The kind came between two looks; the next pass has it.
    if (resource === undefined) throw kindNotServed(gvkOf(target.planNode.object));
    const { object, isWritten } = await applyNode(run, target, resource, start, signal);
    const observation = observe(object, run.interests);
    if (isWritten && observation.graphId !== run.owner.graphId) throw labelTaken();
    // What is repaired, or only looked at, is what it was; anything else starts afresh.
    if (isWritten && start.work !== 'repair') run.renewSigns(start.id);
    const before = run.pass.statusOf(start.id);
    const status = isWritten ? { ...before, appliedAt: isoSeconds(run.now()) } : before;
    const readiness = judgeReadiness(target, observation, status, run.signs, run.now());
    if (!isWritten && observation.graphId !== run.owner.graphId) {
      // It bears no label that would tell whose it is, so its exports are asked here.
      const answers = run.interests.answer(expressionsOf(target.planNode.node), object);
      const glimpse = { ...observation, answers };
      run.session.glimpses.seen(target.identity, glimpse, readiness.state === 'ready', run.now());
    }
    run.pass.applied(start.id, readiness, run.now(), isWritten);
  } catch (error) {
    run.onFailure(error);
    run.pass.failed(start.id, failureOf(error), run.now());
  }
}

async function applyNode(
  run: Execution,
  target: NodeTarget,
  resource: Resource,
  start: StartableNode,
  signal: AbortSignal,
): Promise<ApplyOutcome> {
  const entry = run.ledger.get(target.identity);
  if (entry === undefined) throw new Error(`node ${start.id} has no inventory entry`);
  const seen = run.children.observation(run.key, resource, target.identity);
  // An apply to what is on its way out would be lost with it.
  const isLeaving = seen?.deletionTimestamp !== undefined;
  const request: ApplyRequest = {
    resource,
    stamped: target.stamped,
    policy: target.planNode.node.applyPolicy ?? {},
    ignoreFields: target.planNode.node.ignoreFields ?? [],
    entry,
    isLookFirst:
      start.work === 'repair' ||
      isLeaving ||
      run.session.isSuspect(entry) ||
      !isSeenAsOurs(run, target, entry),
    isRepair: start.work === 'repair',
    recordFound: run.recordFound,
    tell: (notice) => tell(run, start.id, target.identity, notice),
  };
  try {
    const isAdopting = target.adoption === 'TakeOwnership' && isAdoptionDue(entry);
    const outcome = isAdopting
      ? await run.adopter.adopt(request, signal)
      : await run.applier.apply(request, signal);
    run.ledger.set(outcome.entry);
    run.session.clear(entry);
    if (isAdopting) run.log.info({ node: start.id, object: describeIdentity(entry) }, 'object adopted');
    if (!outcome.isWritten || outcome.object.metadata.labels?.[GRAPH_LABEL] !== run.owner.graphId) {
      return outcome;
    }
    if (start.work === 'repair') noteRepair(run, start.id, target, outcome);
    run.children.observeOwnWrite(run.key, resource, outcome.object);
    return outcome;
  } catch (error) {
    run.session.failed(entry, error, seen);
    throw error;
  }
}

/** The API server took the object and stored it without what the watch finds it by. */
function labelTaken(): PequodError {
  const message = `is stored without the label ${GRAPH_LABEL}, by which it is watched: something takes it away at admission`;
  return new PequodError(message, {
    code: 'LABEL_TAKEN',
    reason: 'LabelTaken',
    retry: { backoffToMs: LABEL_RETRY_MS },
  });
}

/** A repair that changed nothing was none: its hash is taken over. It counts for the pace all the same. */
function noteRepair(run: Execution, node: string, target: NodeTarget, { drift }: ApplyOutcome): void {
  const { drift: memory, repairPace } = run.session;
  const object = describeIdentity(target.identity);
  repairPace.repaired(target.identity, run.now());
  if (drift === undefined) {
    run.log.debug({ node, object }, 'object was as it should be');
    return;
  }
  const { fields, managers } = drift;
  run.log.info(
    {
      node,
      object,
      ...(fields.length === 0 ? {} : { fields: fields.join(', ') }),
      ...(managers.length === 0 ? {} : { manager: managers.join(', ') }),
    },
    'object repaired',
  );
  if (!isCreatedOnly(target)) memory.repaired(node, target.identity, drift, run.now());
}

/** True where nothing is recorded of the object, or the watch bears out that it is ours: an inventory can be edited. */
function isSeenAsOurs(run: Execution, { resource, identity }: NodeTarget, entry: InventoryItem): boolean {
  if (entry.uid === undefined || resource === undefined) return true;
  const observation = run.children.observation(run.key, resource, identity);
  if (observation?.uid !== entry.uid || observation?.owned[run.owner.manager] === undefined) return false;
  return entry.origin === 'Found' || observation.annotations[ORIGIN_ANNOTATION] !== 'found';
}

/** What people should know of beside the state of the node: once, in the log. */
function tell(run: Execution, node: string, identity: ObjectIdentity, notice: ApplyNotice): void {
  const object = describeIdentity(identity);
  switch (notice.type) {
    case 'taken': {
      const from = notice.conflicts.map(({ manager, field }) => `${field} from ${manager}`).join(', ');
      run.log.info({ node, object, from }, 'fields of others taken, as conflictPolicy asks for');
      return;
    }
    case 'recreating':
      // What waits for its end is tried as soon as the watch shows it, also where it goes before it is seen going.
      run.session.hasLeft(identity, true);
      run.log.info({ node, object, fields: notice.fields.join(', ') }, 'object is deleted, to be made anew');
      return;
    default:
      assertNever(notice);
  }
}
