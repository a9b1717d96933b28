// A ResourceGraph as this controller reads it: whatever someone made of it, the parts that can be read are read, and
// what can't be read counts as different from what is wanted.
import { decodeResourceGraph } from '../../api/crd/index.ts';
import {
  API_GROUP,
  type KubeObject,
  type OwnerReference,
  type ResourceGraphSpec,
  type ResourceGraphStatus,
  TRANSFORM_KIND,
  type Transform,
} from '../../api/index.ts';
import { hashJson } from '../../json/index.ts';
import { isBeingDeleted } from '../../runtime/index.ts';
import { sizeOf } from './graph-size.ts';
import type { GraphMeasure, TransformMemory } from './memory.ts';

export interface GraphView {
  readonly object: KubeObject;
  readonly uid: string;
  readonly generation: number;
  /** Undefined where it can't be read. */
  readonly spec: ResourceGraphSpec | undefined;
  readonly status: ResourceGraphStatus | undefined;
}

export function viewGraph(object: KubeObject): GraphView {
  const { uid = '', generation = 0 } = object.metadata;
  const whole = decodeResourceGraph(object);
  if (whole.ok) return { object, uid, generation, spec: whole.value.spec, status: whole.value.status };
  const { status: _, ...withoutStatus } = object;
  const rest = decodeResourceGraph(withoutStatus);
  return { object, uid, generation, spec: rest.ok ? rest.value.spec : undefined, status: undefined };
}

/**
 * How a graph of the Transform's name stands to the Transform.
 * - `ours`: the Transform controls it.
 * - `terminating`: it is being deleted, and another one can follow when it is gone.
 * - `lost`: it has no controller, or a Transform of this name that is gone: it may be taken over.
 * - `foreign`: something else controls it.
 */
export type GraphRelation = 'foreign' | 'lost' | 'ours' | 'terminating';

export function relationOf(graph: GraphView, transform: Pick<Transform, 'metadata'>): GraphRelation {
  if (isBeingDeleted(graph.object)) return 'terminating';
  const controller = controllerOf(graph.object);
  if (controller === undefined) return 'lost';
  if (!isTransform(controller) || controller.name !== transform.metadata.name) return 'foreign';
  const { uid } = transform.metadata;
  return controller.uid === uid && graph.spec?.sourceRef.uid === uid ? 'ours' : 'lost';
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function isTransform(owner: OwnerReference): boolean {
  return owner.kind === TRANSFORM_KIND && owner.apiVersion.startsWith(`${API_GROUP}/`);
}

/**
 * The renderHash that the graph says it has, if its nodes have it too: a graph that someone edited is not what was
 * rendered.
 */
export function renderHashIn(graph: GraphView | undefined, memory: TransformMemory): string | undefined {
  if (graph?.spec === undefined) return undefined;
  const { renderHash } = graph.spec.metadata;
  const { storedAs } = memory;
  const { hash } = measureGraph(graph, graph.spec, memory);
  if (hash === renderHash) return renderHash;
  return storedAs?.renderHash === renderHash && storedAs.hash === hash ? renderHash : undefined;
}

/** Hash and size of the graph's spec, from memory where this generation has been measured. */
export function measureGraph(
  graph: GraphView,
  spec: ResourceGraphSpec,
  memory: TransformMemory,
): GraphMeasure {
  const { uid, generation } = graph;
  const { namespace = '' } = graph.object.metadata;
  if (memory.measure?.uid !== uid || memory.measure.generation !== generation) {
    memory.measure = { uid, generation, hash: hashJson(spec.nodes), size: sizeOf(spec, [], namespace) };
  }
  return memory.measure;
}
