// What a plan was made from, as one hash, computed from what is at hand without a call: while it is the same, the plan
// stands, and a settled plan costs nothing. What is not the graph's own object is not watched; such objects are looked
// at when the plan is made, and once more when it is approved.
import {
  type ExecutionPlan,
  gvkOf,
  type InventoryItem,
  identityKey,
  RECONCILE_ANNOTATION,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../../api/index.ts';
import type { Observation } from '../../../apply/index.ts';
import { type JsonValue, shortHashJson } from '../../../json/index.ts';
import type { PassRun } from '../pass-prepare.ts';

/** What a plan that is made now is made from, apart from the kinds that it will be found to wait for. */
export function snapshotOf({ graph, children, key }: PassRun, status: ResourceGraphStatus): JsonValue {
  const isOwn = status.inventory?.graphUID === graph.metadata.uid;
  const objects = (isOwn ? (status.inventory?.items ?? []) : [])
    .map((item) => [identityKey(item), item.origin, ...seen(children.observation(key, item, item), item)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return [...identityOf(graph), objects];
}

/** The hash of everything that calls for another plan when it changes. */
export function basisOf(run: PassRun, snapshot: JsonValue, plan: BasedPlan | undefined): string {
  return shortHashJson([snapshot, servedKinds(run, plan)]);
}

type BasedPlan = Pick<ExecutionPlan, 'items'>;

function identityOf({ metadata, spec }: ResourceGraph): readonly JsonValue[] {
  const asked = metadata.annotations?.[RECONCILE_ANNOTATION] ?? '';
  return [metadata.uid ?? '', metadata.generation ?? 0, spec.planRevision ?? '', asked];
}

/** The generation, where the kind has one: a status that changes is no reason for another plan. */
function seen(observation: Observation | undefined, { uid = '' }: InventoryItem): readonly JsonValue[] {
  if (observation === undefined) return [uid, null];
  const { generation, resourceVersion, annotations, deletionTimestamp = '' } = observation;
  return [observation.uid, generation ?? resourceVersion, { ...annotations }, deletionTimestamp];
}

/** Which of the kinds that the plan waits for are there now. */
function servedKinds({ mapper }: PassRun, plan: BasedPlan | undefined): readonly string[] {
  return (plan?.items ?? [])
    .filter(({ action, name }) => action === 'Wait' && name !== '')
    .map(({ apiVersion, kind }) => ({ apiVersion, kind }))
    .filter((type) => mapper.peek(gvkOf(type)) !== undefined)
    .map(({ apiVersion, kind }) => `${apiVersion}/${kind}`)
    .sort();
}
