// Why the Pods of a workload don't run, from their statuses: what stands in `kubectl get pods`, as one line.
//
// A container that crashes is waiting, running and terminated in turns. What is said of it is the same in all three, so
// that a finding changes only when something does.
import type { KubeObject, ObjectIdentity } from '../../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../json/index.ts';
import { conditionOf, conditionsOf, memberAt, numberAt, objectsAt, textAt } from './read.ts';

/** What keeps Pods from running, the most telling first. */
export interface PodTrouble {
  /** CamelCase, as Kubernetes names it. */
  readonly reason: string;
  /** `container main is in CrashLoopBackOff (exit code 1), 5 restarts`. */
  readonly message: string;
}

const CRASHING = 'CrashLoopBackOff' as const;
/** Restarts from which on a container that is not waiting counts as crashing too. */
const MIN_RESTARTS = 2;
const MAX_REASON = 256;
/** Reasons of waiting containers, worst first; the names of one trouble in its stages are one. */
const WAITING: readonly (readonly [reason: string, as: string])[] = [
  ['CreateContainerConfigError', 'CreateContainerConfigError'],
  ['InvalidImageName', 'InvalidImageName'],
  ['ErrImageNeverPull', 'ErrImageNeverPull'],
  ['ImagePullBackOff', 'ImagePullBackOff'],
  ['ErrImagePull', 'ImagePullBackOff'],
  ['CreateContainerError', 'CreateContainerError'],
  ['RunContainerError', 'RunContainerError'],
  [CRASHING, CRASHING],
];
const OPERATORS: Readonly<Record<string, string>> = { In: 'in', NotIn: 'notin' };

/** The label selector of a workload's Pods; undefined for kinds that have none. */
export function podSelectorOf(workload: KubeObject): string | undefined {
  if (workload.kind === 'Job') return `batch.kubernetes.io/job-name=${workload.metadata.name}`;
  const selector = memberAt(workload, 'spec', 'selector');
  const labels = memberAt(selector, 'matchLabels');
  const parts = Object.entries(isJsonObject(labels) ? labels : {}).map(
    ([key, value]) => `${key}=${String(value)}`,
  );
  for (const expression of objectsAt(selector, 'matchExpressions')) parts.push(requirementOf(expression));
  return parts.length === 0 ? undefined : parts.join(',');
}

function requirementOf(expression: JsonObject): string {
  const key = textAt(expression, 'key') ?? '';
  const operator = textAt(expression, 'operator') ?? '';
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  const values: JsonValue | undefined = expression['values'];
  return `${key} ${OPERATORS[operator] ?? 'in'} (${(isJsonArray(values) ? values : []).map(String).join(',')})`;
}

/** What is wrong with those of the Pods that belong to the workload; undefined where nothing is seen. */
export function podTroubleOf(
  workload: ObjectIdentity,
  uid: string | undefined,
  pods: readonly KubeObject[],
): PodTrouble | undefined {
  const own = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && isOf(pod, workload, uid));
  const found = own.flatMap((pod) => troublesOf(pod));
  return found.sort((a, b) => rankOf(a) - rankOf(b) || (a.message < b.message ? -1 : 1))[0];
}

/** Owned by the workload itself, or by a ReplicaSet that is named after it: others may have Pods with these labels. */
function isOf(pod: KubeObject, workload: ObjectIdentity, uid: string | undefined): boolean {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return false;
  if (workload.kind === 'Deployment')
    return owner.kind === 'ReplicaSet' && owner.name.startsWith(`${workload.name}-`);
  return owner.kind === workload.kind && (uid === undefined || owner.uid === uid);
}

function rankOf({ reason }: PodTrouble): number {
  const rank = WAITING.findIndex(([, as]) => as === reason);
  return rank < 0 ? WAITING.length : rank;
}

function troublesOf(pod: KubeObject): readonly PodTrouble[] {
  const scheduled = conditionOf(conditionsOf(pod), 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return [{ reason: 'Unschedulable', message: `its Pods can't be scheduled${because(scheduled.message)}` }];
  }
  return [
    ...objectsAt(pod, 'status', 'initContainerStatuses').flatMap((status) =>
      troubleIn(status, 'init container'),
    ),
    ...objectsAt(pod, 'status', 'containerStatuses').flatMap((status) => troubleIn(status, 'container')),
  ];
}

function troubleIn(status: JsonObject, what: string): readonly PodTrouble[] {
  const name = `${what} ${textAt(status, 'name') ?? ''}`;
  const waiting = textAt(status, 'state', 'waiting', 'reason') ?? '';
  const reason =
    WAITING.find(([known]) => known === waiting)?.[1] ?? (isCrashing(status) ? CRASHING : undefined);
  switch (reason) {
    case undefined:
      return [];
    case CRASHING: {
      const restarts = numberAt(status, 'restartCount') ?? 0;
      const times = restarts === 1 ? '1 restart' : `${restarts} restarts`;
      return [{ reason, message: `${name} is in ${reason}${exitOf(status)}, ${times}` }];
    }
    case 'ImagePullBackOff':
      return [{ reason, message: `${name} is in ${reason} (image ${textAt(status, 'image') ?? ''})` }];
    default:
      return [
        {
          reason,
          message: `${name} is in ${reason}${because(textAt(status, 'state', 'waiting', 'message'))}`,
        },
      ];
  }
}

function isCrashing(status: JsonObject): boolean {
  const restarts = numberAt(status, 'restartCount') ?? 0;
  const exitCode = numberAt(status, 'lastState', 'terminated', 'exitCode') ?? 0;
  return status['ready'] !== true && restarts >= MIN_RESTARTS && exitCode !== 0;
}

function exitOf(status: JsonObject): string {
  const last = memberAt(status, 'lastState', 'terminated') ?? memberAt(status, 'state', 'terminated');
  const exitCode = numberAt(last, 'exitCode');
  if (textAt(last, 'reason') === 'OOMKilled') return ' (out of memory)';
  return exitCode === undefined ? '' : ` (exit code ${exitCode})`;
}

function because(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message.slice(0, MAX_REASON)}`;
}
