// When Deployments, StatefulSets, DaemonSets and ReplicaSets count as rolled out.
import type { KubeObject } from '../../api/index.ts';
import { current, failed, firstShortfall, inProgress, type ObjectStatus } from './object-status.ts';
import { conditionOf, conditionsOf, numberAt, textAt } from './read.ts';

/** Stands for "no deadline" in `progressDeadlineSeconds`; the controller then writes no Progressing condition. */
const NO_DEADLINE = 2_147_483_647;

export function deploymentStatus(object: KubeObject): ObjectStatus {
  const conditions = conditionsOf(object);
  const progressing = conditionOf(conditions, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return failed('ProgressDeadlineExceeded', 'exceeded its progress deadline');
  }
  const { wanted, total, updated, ready, available } = replicasOf(object);
  const unfinished =
    firstShortfall([
      [total, wanted, 'LessReplicas', 'has too few replicas'],
      [updated, wanted, 'LessUpdated', 'is not updated'],
    ]) ??
    extraPods(total, wanted) ??
    firstShortfall([
      [available, updated, 'LessAvailable', 'is not available'],
      [ready, wanted, 'LessReady', 'is not ready'],
    ]);
  if (unfinished !== undefined) return unfinished;
  const hasDeadline = (numberAt(object, 'spec', 'progressDeadlineSeconds') ?? NO_DEADLINE) !== NO_DEADLINE;
  const isComplete = progressing?.status === 'True' && progressing.reason === 'NewReplicaSetAvailable';
  if (hasDeadline && !isComplete)
    return inProgress('ReplicaSetNotAvailable', 'has no available ReplicaSet yet');
  if (conditionOf(conditions, 'Available')?.status !== 'True') {
    return inProgress('DeploymentNotAvailable', 'is not available');
  }
  return current(`is available (${available}/${wanted})`);
}

export function statefulSetStatus(object: KubeObject): ObjectStatus {
  if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') {
    return current('is updated by deleting its Pods');
  }
  const { wanted, total, updated, ready } = replicasOf(object);
  const unfinished =
    firstShortfall([
      [total, wanted, 'LessReplicas', 'has too few replicas'],
      [ready, wanted, 'LessReady', 'is not ready'],
    ]) ?? extraPods(total, wanted);
  if (unfinished !== undefined) return unfinished;
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  if (partition > 0) {
    const short = firstShortfall([[updated, wanted - partition, 'PartitionRollout', 'is not updated']]);
    return short ?? current(`is updated down to its partition (${Math.max(0, wanted - partition)})`);
  }
  const inCurrent = numberAt(object, 'status', 'currentReplicas') ?? 0;
  const short = firstShortfall([[inCurrent, wanted, 'LessCurrent', 'is not updated']]);
  if (short !== undefined) return short;
  if (textAt(object, 'status', 'currentRevision') !== textAt(object, 'status', 'updateRevision')) {
    return inProgress('RevisionMismatch', 'is not at its newest revision');
  }
  return current(`is ready (${ready}/${wanted})`);
}

export function daemonSetStatus(object: KubeObject): ObjectStatus {
  const wanted = numberAt(object, 'status', 'desiredNumberScheduled');
  if (wanted === undefined || numberAt(object, 'status', 'observedGeneration') === undefined) {
    return inProgress('NotObserved', 'has not been observed by its controller');
  }
  const count = (name: string): number => numberAt(object, 'status', name) ?? 0;
  // Under OnDelete the controller updates nothing by itself, so that waiting for it would never end.
  const isUpdating = textAt(object, 'spec', 'updateStrategy', 'type') !== 'OnDelete';
  const updated = isUpdating ? count('updatedNumberScheduled') : wanted;
  const available = count('numberAvailable');
  const short = firstShortfall([
    [count('currentNumberScheduled'), wanted, 'LessCurrent', 'is not scheduled'],
    [updated, wanted, 'LessUpdated', 'is not updated'],
    [available, wanted, 'LessAvailable', 'is not available'],
    [count('numberReady'), wanted, 'LessReady', 'is not ready'],
  ]);
  return short ?? current(`is available (${available}/${wanted})`);
}

export function replicaSetStatus(object: KubeObject): ObjectStatus {
  const failure = conditionOf(conditionsOf(object), 'ReplicaFailure');
  if (failure?.status === 'True')
    return inProgress('ReplicaFailure', `can't create Pods: ${failure.message}`);
  const { wanted, total, ready, available } = replicasOf(object);
  const labelled = numberAt(object, 'status', 'fullyLabeledReplicas') ?? 0;
  const short = firstShortfall([
    [labelled, wanted, 'LessLabelled', 'has too few labelled replicas'],
    [available, wanted, 'LessAvailable', 'is not available'],
    [ready, wanted, 'LessReady', 'is not ready'],
  ]);
  return short ?? extraPods(total, wanted) ?? current(`is available (${available}/${wanted})`);
}

interface Replicas {
  readonly wanted: number;
  readonly total: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

/** The numbers of a workload with `spec.replicas`, which its controllers take for 1 where absent. */
export function replicasOf(object: KubeObject): Replicas {
  const count = (name: string): number => numberAt(object, 'status', name) ?? 0;
  return {
    wanted: numberAt(object, 'spec', 'replicas') ?? 1,
    total: count('replicas'),
    updated: count('updatedReplicas'),
    ready: count('readyReplicas'),
    available: count('availableReplicas'),
  };
}

function extraPods(total: number, wanted: number): ObjectStatus | undefined {
  return total > wanted
    ? inProgress('ExtraPods', `waits for ${total - wanted} old replicas to end`)
    : undefined;
}
