// What any object is doing, by the rules of kstatus: deletion first, then whether its controller has seen the newest
// generation, then the standard conditions, then what is known of its kind, then a Ready condition. An object that says
// nothing of itself is Current.
//
// One rule differs: there is no clock here, so a Pod that can't be scheduled stays InProgress.
import { gvkOf, type KubeObject } from '../../api/index.ts';
import { current, failed, inProgress, type ObjectStatus } from './object-status.ts';
import { jobStatus, podStatus } from './pods.ts';
import { conditionOf, conditionsOf, numberAt, type ReadCondition, textAt } from './read.ts';
import { daemonSetStatus, deploymentStatus, replicaSetStatus, statefulSetStatus } from './workloads.ts';

const BY_KIND: ReadonlyMap<string, (object: KubeObject) => ObjectStatus> = new Map([
  ['/ConfigMap', alwaysCurrent],
  ['/PersistentVolumeClaim', claimStatus],
  ['/Pod', podStatus],
  ['/Secret', alwaysCurrent],
  ['/Service', serviceStatus],
  ['apiextensions.k8s.io/CustomResourceDefinition', crdStatus],
  ['apps/DaemonSet', daemonSetStatus],
  ['apps/Deployment', deploymentStatus],
  ['apps/ReplicaSet', replicaSetStatus],
  ['apps/StatefulSet', statefulSetStatus],
  ['batch/CronJob', alwaysCurrent],
  ['batch/Job', jobStatus],
  ['policy/PodDisruptionBudget', disruptionBudgetStatus],
]);

/** The status of any live object. */
export function objectStatusOf(object: KubeObject): ObjectStatus {
  const { deletionTimestamp, generation } = object.metadata;
  if (deletionTimestamp !== undefined) {
    return {
      status: 'Terminating',
      reason: 'Terminating',
      message: `is being deleted since ${deletionTimestamp}`,
    };
  }
  const observed = numberAt(object, 'status', 'observedGeneration');
  if (observed !== undefined && generation !== undefined && observed !== generation) {
    return inProgress('GenerationNotObserved', `is at generation ${generation}, its status at ${observed}`);
  }
  const conditions = conditionsOf(object);
  const { group, kind } = gvkOf(object);
  const byKind = BY_KIND.get(`${group}/${kind}`);
  return standardStatus(conditions) ?? (byKind === undefined ? readyStatus(conditions) : byKind(object));
}

function standardStatus(conditions: readonly ReadCondition[]): ObjectStatus | undefined {
  const reconciling = conditionOf(conditions, 'Reconciling');
  if (reconciling?.status === 'True') return inProgress(...explain(reconciling, 'is being reconciled'));
  const stalled = conditionOf(conditions, 'Stalled');
  return stalled?.status === 'True' ? failed(...explain(stalled, 'is stalled')) : undefined;
}

function readyStatus(conditions: readonly ReadCondition[]): ObjectStatus {
  const ready = conditionOf(conditions, 'Ready');
  if (ready === undefined) return current('exists');
  return ready.status === 'True' ? current('is ready') : inProgress(...explain(ready, 'is not ready'));
}

function explain(condition: ReadCondition, what: string): [reason: string, message: string] {
  const { type, reason, message } = condition;
  return [reason === '' ? type : reason, message === '' ? what : `${what}: ${message}`];
}

function alwaysCurrent(): ObjectStatus {
  return current('exists');
}

function claimStatus(object: KubeObject): ObjectStatus {
  const phase = textAt(object, 'status', 'phase');
  return phase === 'Bound'
    ? current('is bound')
    : inProgress('NotBound', `is not bound (${phase ?? 'no phase yet'})`);
}

function serviceStatus(object: KubeObject): ObjectStatus {
  const isBalanced = textAt(object, 'spec', 'type') === 'LoadBalancer';
  const hasAddress = (textAt(object, 'spec', 'clusterIP') ?? '') !== '';
  return isBalanced && !hasAddress ? inProgress('NoIPAssigned', 'has no cluster IP yet') : current('exists');
}

function disruptionBudgetStatus(object: KubeObject): ObjectStatus {
  return numberAt(object, 'status', 'observedGeneration') === undefined
    ? inProgress('NotObserved', 'has not been observed by its controller')
    : current('has been computed');
}

function crdStatus(object: KubeObject): ObjectStatus {
  const conditions = conditionsOf(object);
  const accepted = conditionOf(conditions, 'NamesAccepted');
  if (accepted?.status === 'False') return failed(...explain(accepted, 'has names that are not accepted'));
  const established = conditionOf(conditions, 'Established');
  if (established?.status === 'True') return current('is established');
  if (established?.status === 'False' && established.reason !== 'Installing') {
    return failed(...explain(established, 'is not established'));
  }
  return inProgress('Installing', 'is being installed');
}
