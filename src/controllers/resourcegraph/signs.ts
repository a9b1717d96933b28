// What is asked beside the passes: the probes of nodes, and the Pods of workloads that don't get ready. A pass declares
// its questions when it ends, for what it has applied; the next one reads the answers.
import {
  durationMs,
  gvkOf,
  type NamespacedName,
  type NodeStatuses,
  type ReadinessPredicate,
  type ResourceGraph,
} from '../../api/index.ts';
import { podSelectorOf, podTroubleOf } from '../../apply/index.ts';
import { messageOf } from '../../errors.ts';
import { canonicalJson } from '../../json/index.ts';
import { type ListPage, PODS } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type {
  ProbeFinding,
  ProbeOwner,
  ProbePredicate,
  ProbeQuestion,
  WantedProbe,
} from '../../probes/index.ts';
import type { GraphDependencies } from './dependencies.ts';
import type { Signs } from './judge.ts';
import type { NodeTarget, Targets } from './targets.ts';

const PROBE_INTERVAL_MS = 10_000;
const HEALTH_INTERVAL_MS = 60_000;
const MIN_INTERVAL_MS = 1_000;
/** When a bad answer after a good one is asked for again. */
const CONFIRM_IN_MS = 1_000;
/** How long a workload has to be unready until its Pods are looked at, and how often they are then. */
const PODS_FIRST_IN_MS = 5_000;
const PODS_INTERVAL_MS = 15_000;
/** Pods that are looked at: enough to see why none runs. */
const MAX_PODS = 50;
const POD_OWNERS: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'batch/Job',
]);
/** Key of the question for Pods; no predicate's JSON is this. */
const PODS_KEY = 'pods' as const;

const NOTHING_SEEN: ProbeFinding = { state: 'ready', reason: 'NothingSeen', message: '' };
const PODS_TIMEOUT_MS = 10_000;

/** Whose questions they are, and what answers them. */
export interface SignsRun
  extends Pick<GraphDependencies, 'asker' | 'children' | 'probes' | 'random' | 'tenancy'> {
  readonly key: NamespacedName;
  readonly graph: ResourceGraph;
  readonly log: Logger;
}

/** What has been found out about the nodes of a graph. */
export function signsOf(run: SignsRun): Signs {
  const { probes } = run;
  const owner = ownerOf(run);
  return {
    answerOf: ({ planNode }, predicate) => probes.answerOf(owner, planNode.id, canonicalJson(predicate)),
    troubleOf: ({ planNode }) => {
      const found = probes.answerOf(owner, planNode.id, PODS_KEY);
      return found?.state === 'waiting' ? { reason: found.reason, message: found.message } : undefined;
    },
  };
}

/** A node's object was applied: what was found out about the one before does not count. */
export function renewSigns(run: SignsRun, nodeId: string): void {
  run.probes.renew(ownerOf(run), nodeId);
}

/** Asks about what is applied, and about nothing else. */
export function askForSigns(run: SignsRun, targets: Targets, statuses: NodeStatuses): void {
  const wanted: WantedProbe[] = [];
  for (const [id, target] of targets) {
    const status = statuses[id];
    if (status === undefined || status.phase === 'Pending' || status.nextAttemptAt !== undefined) continue;
    const isReady = status.phase === 'Ready';
    for (const predicate of target.planNode.node.readyWhen ?? []) {
      if (isProbed(predicate)) wanted.push(probeOf(run, target, predicate, isReady));
    }
    const pods = isReady ? undefined : podsOf(run, target);
    if (pods !== undefined) wanted.push(pods);
  }
  run.probes.want(ownerOf(run), wanted);
}

function ownerOf({ key, graph }: SignsRun): ProbeOwner {
  return { key, uid: graph.metadata.uid ?? '' };
}

function isProbed(predicate: ReadinessPredicate): predicate is ProbePredicate {
  return predicate.type === 'External' || predicate.type === 'Webhook';
}

function probeOf(
  run: SignsRun,
  target: NodeTarget,
  predicate: ProbePredicate,
  isReady: boolean,
): WantedProbe {
  const intervalMs = isReady
    ? intervalOf(run.graph.spec.healthCheck?.interval, HEALTH_INTERVAL_MS)
    : intervalOf(predicate.interval, PROBE_INTERVAL_MS);
  const question = questionOf(run, target, predicate);
  return {
    nodeId: target.planNode.id,
    key: canonicalJson(predicate),
    intervalMs,
    // After a restart what is Ready is asked over an interval, not all at once.
    firstInMs: isReady ? run.random() * intervalMs : 0,
    confirmInMs: CONFIRM_IN_MS,
    ask: (memory, signal) => run.asker.ask(question, memory, signal),
  };
}

function intervalOf(text: string | undefined, byDefaultMs: number): number {
  return Math.max(MIN_INTERVAL_MS, (text === undefined ? undefined : durationMs(text)) ?? byDefaultMs);
}

function questionOf(
  run: SignsRun,
  { identity, planNode, resource }: NodeTarget,
  predicate: ProbePredicate,
): ProbeQuestion {
  const { key, graph, children, tenancy } = run;
  return {
    transform: key,
    nodeId: planNode.id,
    predicate,
    object: {
      kind: identity.kind,
      version: () => {
        const seen = resource === undefined ? undefined : children.observation(key, resource, identity);
        return seen === undefined ? undefined : `${seen.uid}/${seen.resourceVersion}`;
      },
      read: async (signal) => {
        if (resource === undefined) throw new Error(`${identity.kind} objects are not served`);
        const client = await tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, signal);
        return await client.get(resource, identity, signal);
      },
    },
  };
}

/** The question why the Pods of a workload don't run. Where they can't be read there is nothing to say. */
function podsOf(run: SignsRun, { identity, planNode, resource }: NodeTarget): WantedProbe | undefined {
  const { group, kind } = gvkOf(planNode.object);
  const labelSelector = POD_OWNERS.has(`${group}/${kind}`) ? podSelectorOf(planNode.object) : undefined;
  if (labelSelector === undefined || resource === undefined) return undefined;
  const { key, graph, children, tenancy } = run;
  return {
    nodeId: planNode.id,
    key: PODS_KEY,
    intervalMs: PODS_INTERVAL_MS,
    firstInMs: PODS_FIRST_IN_MS,
    ask: async (_memory, signal) => {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(PODS_TIMEOUT_MS)]);
        const client = await tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, limit);
        const { namespace } = identity;
        const pages = client.list(PODS, { namespace, labelSelector, pageSize: MAX_PODS }, limit);
        const first: IteratorResult<ListPage, void> = await pages.next();
        const pods = first.done === true ? [] : first.value.items;
        const uid = children.observation(key, resource, identity)?.uid;
        const trouble = podTroubleOf(identity, uid, pods);
        return trouble === undefined ? NOTHING_SEEN : { state: 'waiting', ...trouble };
      } catch (error) {
        signal.throwIfAborted();
        run.log.debug({ node: planNode.id, error: messageOf(error) }, 'Pods can not be looked at');
        return NOTHING_SEEN;
      }
    },
  };
}
