// When Pods and Jobs count as done or running.
import type { KubeObject } from '../../api/index.ts';
import { current, failed, inProgress, type ObjectStatus } from './object-status.ts';
import { conditionOf, conditionsOf, numberAt, objectsAt, textAt } from './read.ts';

export function podStatus(object: KubeObject): ObjectStatus {
  const phase = textAt(object, 'status', 'phase');
  switch (phase) {
    case 'Succeeded':
      return current('has completed');
    case 'Failed':
      return failed('PodFailed', `has failed${because(textAt(object, 'status', 'message'))}`);
    case 'Running':
      return runningStatus(object);
    case 'Pending':
      return pendingStatus(object);
    default:
      return inProgress('PodNotObserved', 'has no phase yet');
  }
}

function runningStatus(object: KubeObject): ObjectStatus {
  if (conditionOf(conditionsOf(object), 'Ready')?.status === 'True') return current('is ready');
  const looping = waitingContainers(object, 'containerStatuses', ['CrashLoopBackOff']);
  if (looping.length > 0)
    return failed('ContainerCrashLooping', `has crashing containers: ${looping.join(', ')}`);
  return inProgress('PodNotReady', 'is running but not ready');
}

function pendingStatus(object: KubeObject): ObjectStatus {
  const scheduled = conditionOf(conditionsOf(object), 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    // Room may be made by an autoscaler or a Pod that ends; the node's timeout decides when that took too long.
    return inProgress('PodUnschedulable', `can't be scheduled${because(scheduled.message)}`);
  }
  const reasons = ['CrashLoopBackOff', 'ImagePullBackOff', 'ErrImagePull', 'CreateContainerConfigError'];
  const stuck = [
    ...waitingContainers(object, 'initContainerStatuses', reasons),
    ...waitingContainers(object, 'containerStatuses', reasons),
  ];
  if (stuck.length > 0)
    return inProgress('ContainerWaiting', `has containers that can't start: ${stuck.join(', ')}`);
  return inProgress('PodPending', 'is pending');
}

function waitingContainers(object: KubeObject, list: string, reasons: readonly string[]): readonly string[] {
  return objectsAt(object, 'status', list).flatMap((container) => {
    const reason = textAt(container, 'state', 'waiting', 'reason');
    return reason !== undefined && reasons.includes(reason)
      ? [`${textAt(container, 'name') ?? ''} (${reason})`]
      : [];
  });
}

/** Current from its start on: that a Job has to complete is for the JobComplete predicate to say. */
export function jobStatus(object: KubeObject): ObjectStatus {
  const conditions = conditionsOf(object);
  const completions = numberAt(object, 'spec', 'completions') ?? numberAt(object, 'spec', 'parallelism') ?? 1;
  const succeeded = numberAt(object, 'status', 'succeeded') ?? 0;
  const failure = conditionOf(conditions, 'Failed');
  if (failure?.status === 'True') return failed('JobFailed', `has failed${because(failure.message)}`);
  if (conditionOf(conditions, 'Complete')?.status === 'True') {
    return current(`is complete (${succeeded}/${completions})`);
  }
  if (conditionOf(conditions, 'Suspended')?.status === 'True') return current('is suspended');
  if (textAt(object, 'status', 'startTime') === undefined)
    return inProgress('JobNotStarted', 'has not started');
  return current(`is running (${succeeded}/${completions} complete)`);
}

function because(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message}`;
}
