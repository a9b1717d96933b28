// Phase "deletion": copies the policies into the graph, deletes the graph, waits until it is gone, and lets the
// Transform go. Nothing here needs the module, its source, a ServiceAccount or the renderer.
//
// Whether objects are deleted or orphaned is decided on a live read of the graph: the garbage collector takes the owner
// reference off the graph before it takes the `orphan` finalizer off the Transform, so that one of the two is always
// seen. A graph that is being deleted under Orphan stays under Orphan.
import { decodeTransform } from '../../api/crd/index.ts';
import {
  type DeletionPolicy,
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  ORPHAN_FINALIZER,
  TRANSFORM_FINALIZER,
} from '../../api/index.ts';
import { isoSeconds } from '../../graph/index.ts';
import { isJsonObject } from '../../json/index.ts';
import { isNotFound, keyOf, RESOURCE_GRAPHS } from '../../kube/index.ts';
import {
  DONE,
  hasFinalizer,
  isBeingDeleted,
  type ReconcileContext,
  type Result,
  requeueAfter,
} from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { releaseFinalizer } from './finalizer.ts';
import type { GraphPolicies } from './graph-build.ts';
import { guarded, setPolicies } from './graph-patch.ts';
import { controllerOf, type GraphView, relationOf, viewGraph } from './graph-view.ts';
import { policiesOf } from './graph-write.ts';
import type { TransformMemory } from './memory.ts';
import { nextStatus } from './status.ts';
import { writeStatus } from './status-write.ts';

type DeletionDependencies = Pick<
  TransformDependencies,
  'graphs' | 'now' | 'operator' | 'tenancy' | 'transforms'
>;

/**
 * One step towards the end of a terminating Transform.
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function finalizeTransform(
  deps: DeletionDependencies,
  transform: KubeObject,
  memory: TransformMemory,
  context: Pick<ReconcileContext, 'log' | 'signal'>,
): Promise<Result> {
  const { signal } = context;
  if (!hasFinalizer(transform, TRANSFORM_FINALIZER)) return DONE;
  const { namespace, name } = transform.metadata;
  const seen = deps.graphs.get(namespace, name);
  const known = seen === undefined ? undefined : viewGraph(seen);
  const graph =
    known !== undefined && isUnderWay(deps, transform, known)
      ? known
      : await deleteGraph(deps, transform, signal);
  if (graph !== undefined) return await reportWaiting(deps, transform, graph, memory, context);
  await releaseFinalizer(deps, transform, signal);
  return DONE;
}

/** True where the watch shows a graph that is being deleted as it should be: there is nothing to do but wait. */
function isUnderWay(deps: DeletionDependencies, transform: KubeObject, graph: GraphView): boolean {
  if (!isBeingDeleted(graph.object)) return false;
  return setPolicies(graph, lastPolicies(deps, transform, graph.object)).length === 0;
}

/** @returns what is left of the graph; undefined once the API server says that it is gone, or never was ours */
async function deleteGraph(
  deps: DeletionDependencies,
  transform: KubeObject,
  signal: AbortSignal,
): Promise<GraphView | undefined> {
  const key = keyOf(transform);
  const live = await readGraph(deps, transform, signal);
  if (live === undefined || relationOf(viewGraph(live), transform) === 'foreign') return undefined;
  const changes = setPolicies(viewGraph(live), lastPolicies(deps, transform, live));
  const options = { fieldManager: OPERATOR_FIELD_MANAGER };
  const patch = guarded(live, changes);
  const graph =
    changes.length === 0 ? live : await deps.operator.jsonPatch(RESOURCE_GRAPHS, key, patch, options, signal);
  if (changes.length > 0) deps.graphs.observeOwnWrite(graph);
  if (isBeingDeleted(graph)) return viewGraph(graph);
  const { uid, resourceVersion } = graph.metadata;
  const guard = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
  const deleted = await deps.operator.delete(RESOURCE_GRAPHS, key, guard, signal);
  if (deleted.state === 'gone') return undefined;
  deps.graphs.observeOwnWrite(deleted.object);
  return viewGraph(deleted.object);
}

async function readGraph(
  deps: DeletionDependencies,
  transform: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await deps.operator.get(RESOURCE_GRAPHS, keyOf(transform), signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The Transform's last word on its graph; of a Transform that can't be read, what can be. */
function lastPolicies(
  deps: DeletionDependencies,
  transform: KubeObject,
  graph: KubeObject,
): Partial<GraphPolicies> {
  const decoded = decodeTransform(transform);
  const policies: Partial<GraphPolicies> = decoded.ok
    ? policiesOf(deps, decoded.value)
    : policyPart(deletionPolicyIn(transform));
  const isOrphaned =
    hasFinalizer(transform, ORPHAN_FINALIZER) ||
    controllerOf(graph) === undefined ||
    (isBeingDeleted(graph) && deletionPolicyIn(graph) === 'Orphan');
  return isOrphaned ? { ...policies, deletionPolicy: 'Orphan' } : policies;
}

function deletionPolicyIn(object: KubeObject): DeletionPolicy | undefined {
  const spec = object['spec'];
  const policy = isJsonObject(spec) ? spec['deletionPolicy'] : undefined;
  return policy === 'Delete' || policy === 'Orphan' ? policy : undefined;
}

function policyPart(deletionPolicy: DeletionPolicy | undefined): Partial<GraphPolicies> {
  return deletionPolicy === undefined ? {} : { deletionPolicy };
}

/** Says in the status what the deletion waits for; the graph's own event ends the wait. */
async function reportWaiting(
  deps: DeletionDependencies,
  transform: KubeObject,
  graph: GraphView,
  memory: TransformMemory,
  { log, signal }: Pick<ReconcileContext, 'log' | 'signal'>,
): Promise<Result> {
  const decoded = decodeTransform(transform);
  if (!decoded.ok) return DONE;
  const { blockedBy } = graph.status ?? {};
  const hold = {
    reason: 'Deleting',
    message: blockedBy ?? 'the ResourceGraph is being deleted',
    isStalled: false,
  };
  const next = nextStatus(decoded.value, { graph, hold }, isoSeconds(deps.now()));
  const dueMs = await writeStatus(deps, transform, decoded.value.status ?? {}, next, memory, log, signal);
  return dueMs === undefined ? DONE : requeueAfter(dueMs);
}
