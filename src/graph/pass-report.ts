// What a pass says about itself: who waits for whom, the statuses to store, the phase of the graph and its blocker.
import type { GraphPhase, NodePhase, NodeStatus, NodeStatuses } from '../api/index.ts';
import { moveNode, sinceOf } from './node-state.ts';
import { type Entry, isHeldBy, WAITING_FOR_VALUES } from './pass-entry.ts';
import { describeNode, type Plan, type PlanNode } from './plan.ts';

/** A node that can't start because of others. */
export interface BlockedNode {
  readonly id: string;
  readonly reason: 'DependencyFailed' | 'DependencyNotReady';
  /** The node at the root of it: the one that failed, or that is to become ready first. */
  readonly culpritId: string;
}

export interface GraphSummary {
  readonly phase: GraphPhase;
  /** One line: node, object, why, since when. Set unless every node is Ready or all that happens is in flight. */
  readonly blockedBy?: string;
  /** The node that `blockedBy` speaks of. */
  readonly blockedByNodeId?: string;
  /** How many nodes are in which phase. */
  readonly counts: { readonly [phase in NodePhase]: number };
}

/** Longest `blockedBy` line. */
const MAX_LINE = 512;

/** In topological order, so that a culprit of a culprit is known before it is asked for. */
export function findBlocked(plan: Plan, entries: readonly Entry[]): readonly BlockedNode[] {
  const blocked = new Map<number, BlockedNode>();
  for (const { id, index } of plan.order) {
    const entry = entries[index];
    if (entry === undefined || entry.heldBy === 0 || entry.work === 'none' || entry.progress === 'flying')
      continue;
    let found: BlockedNode | undefined;
    for (const at of plan.edges.dependencies[index] ?? []) {
      const dependency = entries[at];
      if (dependency === undefined || !isHeldBy(entry, dependency)) continue;
      const isFailed = dependency.status.phase === 'Error';
      const root = isFailed ? undefined : blocked.get(at);
      const reason = isFailed ? 'DependencyFailed' : (root?.reason ?? 'DependencyNotReady');
      if (found === undefined || (reason === 'DependencyFailed' && found.reason !== reason)) {
        found = { id, reason, culpritId: root?.culpritId ?? dependency.id };
      }
    }
    if (found !== undefined) blocked.set(index, found);
  }
  return [...blocked.values()];
}

/** Statuses as they are to be stored. Reasons that hold only during a pass are added here, without touching times. */
export function reportStatuses(
  plan: Plan,
  entries: readonly Entry[],
  blocked: readonly BlockedNode[],
): NodeStatuses {
  const blockedById = new Map(blocked.map((block) => [block.id, block]));
  const statuses: { [id: string]: NodeStatus } = {};
  for (const entry of entries) {
    const { id, status } = entry;
    statuses[id] = isOwnPending(entry) ? explainPending(plan, entry, blockedById.get(id)) : status;
  }
  return statuses;
}

/** Pending without a failure of its own to report. */
function isOwnPending({ status, progress }: Entry): boolean {
  return status.phase === 'Pending' && progress !== 'failed' && status.nextAttemptAt === undefined;
}

function explainPending(plan: Plan, entry: Entry, block: BlockedNode | undefined): NodeStatus {
  const { status, progress } = entry;
  const since = status.lastTransitionTime ?? '';
  const node = plan.nodes[entry.index];
  if (node?.isPending === true) {
    const message = `waits for ${node.waitsFor.join(', ')}`;
    return moveNode(status, { phase: 'Pending', reason: WAITING_FOR_VALUES, message }, since);
  }
  if (block === undefined) {
    return moveNode(
      status,
      { phase: 'Pending', reason: progress === 'flying' ? 'Applying' : 'Queued' },
      since,
    );
  }
  const culprit = plan.byId.get(block.culpritId);
  const name = culprit === undefined ? '' : ` (${describeNode(culprit)})`;
  const state = block.reason === 'DependencyFailed' ? 'which failed' : 'which is not ready';
  const message = `waits for node ${block.culpritId}${name}, ${state}`;
  return moveNode(status, { phase: 'Pending', reason: block.reason, message }, since);
}

/**
 * Phase and blocker of a graph from the statuses of its nodes. Ready only if all nodes are; Failed if one is in Error and
 * nothing else can go on; Pending while nothing has been applied yet.
 */
export function summarize(plan: Plan, statuses: NodeStatuses): GraphSummary {
  const counts: { [phase in NodePhase]: number } = { Pending: 0, Applied: 0, Ready: 0, Error: 0 };
  const lost = new Set<number>();
  let isMoving = false;
  for (const { id, index } of plan.order) {
    const status = statuses[id] ?? { phase: 'Pending' };
    counts[status.phase] += 1;
    const dependencies = plan.edges.dependencies[index] ?? [];
    const isStuck = isStuckBehind(status, () => dependencies.some((at) => lost.has(at)));
    if (status.phase === 'Error' || isStuck) lost.add(index);
    isMoving ||= status.phase === 'Applied' || (status.phase === 'Pending' && !isStuck);
  }
  const phase = graphPhase(plan.nodes.length, counts, isMoving);
  const blocker = findBlocker(plan, statuses);
  return blocker === undefined
    ? { phase, counts }
    : { phase, counts, blockedBy: blockerLine(...blocker), blockedByNodeId: blocker[0].id };
}

const WAITS_FOR_NODES: ReadonlySet<string | undefined> = new Set(['DependencyNotReady', WAITING_FOR_VALUES]);

/** A node that can't go on because of one that failed: it waits for that node, for a value of it, or behind such a one. */
function isStuckBehind({ phase, reason }: NodeStatus, isBehindFailure: () => boolean): boolean {
  if (phase !== 'Pending') return false;
  return reason === 'DependencyFailed' || (WAITS_FOR_NODES.has(reason) && isBehindFailure());
}

function graphPhase(total: number, counts: GraphSummary['counts'], isMoving: boolean): GraphPhase {
  if (counts.Ready === total) return 'Ready';
  if (counts.Error > 0 && !isMoving) return 'Failed';
  return counts.Pending === total ? 'Pending' : 'Executing';
}

/** The first node in topological order that failed; else that is awaited; else that waits for something outside. */
function findBlocker(plan: Plan, statuses: NodeStatuses): [PlanNode, NodeStatus] | undefined {
  let best: [PlanNode, NodeStatus] | undefined;
  let bestRank = 0;
  for (const node of plan.order) {
    const status = statuses[node.id];
    const rank = status === undefined ? 0 : blockerRank(status);
    if (status === undefined || rank <= bestRank) continue;
    best = [node, status];
    bestRank = rank;
  }
  return best;
}

function blockerRank(status: NodeStatus): number {
  if (status.phase === 'Error') return 3;
  if (status.phase === 'Applied') return 2;
  if (status.phase !== 'Pending') return 0;
  return status.nextAttemptAt !== undefined || status.reason === WAITING_FOR_VALUES ? 1 : 0;
}

/**
 * What is said of an object reads on after its name (`is not available`); what an attempt failed of is a sentence of its
 * own, which may begin with the same name.
 */
function blockerLine(node: PlanNode, status: NodeStatus): string {
  const message = status.message ?? status.reason ?? 'is not ready';
  const name = node.isPending ? '' : `${describeNode(node)} `;
  const isNamed = message.startsWith(name);
  const why = isNamed ? message.slice(name.length) : message;
  const since = sinceOf(status);
  const head = `${node.id}: ${isNamed || status.attempts === undefined ? name : `${name.trimEnd()}: `}`;
  const tail = since === undefined ? '' : ` since ${since}`;
  const room = Math.max(0, MAX_LINE - head.length - tail.length);
  return `${head}${why.length <= room ? why : `${why.slice(0, Math.max(0, room - 1))}…`}${tail}`;
}
