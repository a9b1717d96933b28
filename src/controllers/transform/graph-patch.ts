// Changes of a graph as JSON patches. Each carries the resourceVersion of the version that was judged: where someone
// else wrote meanwhile, the API server answers 409 and the next pass looks again.
import {
  type KubeObject,
  type OwnerReference,
  RECONCILE_ANNOTATION,
  type ResourceGraphSpec,
  type ResourceGraphStatus,
  type Transform,
} from '../../api/index.ts';
import { canonicalJson, escapePointerSegment, isJsonObject } from '../../json/index.ts';
import type { JsonPatchOperation } from '../../kube/index.ts';
import { clipToken } from './clip.ts';
import {
  applySetAnnotations,
  applySetLabels,
  type GraphPolicies,
  ownerReference,
  sourceReference,
} from './graph-build.ts';
import { controllerOf, type GraphView } from './graph-view.ts';

/** Replaces the spec and brings labels and annotations in line. */
export function replaceSpec(graph: GraphView, spec: ResourceGraphSpec): readonly JsonPatchOperation[] {
  const { namespace = '', name, labels, annotations } = graph.object.metadata;
  const kinds = applySetAnnotations(spec.nodes, inventoryOf(graph.status));
  return [
    { op: 'add', path: '/spec', value: spec },
    ...setMembers('/metadata/labels', labels, applySetLabels(namespace, name)),
    ...setMembers('/metadata/annotations', annotations, kinds),
  ];
}

/** Marks the graph as the parent of its objects again; empty where it is. */
export function keepParent({ object }: GraphView): readonly JsonPatchOperation[] {
  const { namespace = '', name, labels } = object.metadata;
  return setMembers('/metadata/labels', labels, applySetLabels(namespace, name));
}

/** Copies the policies; empty where they are in place. */
export function setPolicies(
  graph: GraphView,
  policies: Partial<GraphPolicies>,
): readonly JsonPatchOperation[] {
  // As stored: also of a graph that can't be read as a whole.
  const stored = graph.object['spec'];
  const spec = isJsonObject(stored) ? stored : {};
  return Object.entries(policies).flatMap(([field, value]): readonly JsonPatchOperation[] => {
    if (canonicalJson(spec[field] ?? null) === canonicalJson(value ?? null)) return [];
    const path = `/spec/${field}`;
    return [value === undefined ? { op: 'remove', path } : { op: 'add', path, value }];
  });
}

/** Hands on a reconcile that was asked for; the graph says in its status when it has had its run. */
export function askForReconcile(graph: GraphView, token: string | undefined): readonly JsonPatchOperation[] {
  if (token === undefined || graph.status?.lastHandledReconcileAt === clipToken(token)) return [];
  const { annotations } = graph.object.metadata;
  return setMembers('/metadata/annotations', annotations, { [RECONCILE_ANNOTATION]: clipToken(token) });
}

/** Makes the Transform the controller of the graph. Other owners that control nothing stay. */
export function takeOver(graph: GraphView, transform: Transform): readonly JsonPatchOperation[] {
  const owners = graph.object.metadata.ownerReferences ?? [];
  const controller = controllerOf(graph.object);
  const others: readonly OwnerReference[] = owners.filter((owner) => owner !== controller);
  return [
    { op: 'add', path: '/metadata/ownerReferences', value: [...others, ownerReference(transform)] },
    { op: 'add', path: '/spec/sourceRef', value: sourceReference(transform) },
  ];
}

/** The patch that makes these changes to this version of the object and to no other. */
export function guarded(
  object: KubeObject,
  changes: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  const { resourceVersion, name } = object.metadata;
  if (resourceVersion === undefined) throw new Error(`object ${name} was not read from the API server`);
  return [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }, ...changes];
}

function inventoryOf(
  status: ResourceGraphStatus | undefined,
): NonNullable<ResourceGraphStatus['inventory']>['items'] {
  return status?.inventory?.items ?? [];
}

function setMembers(
  path: string,
  current: Readonly<Record<string, unknown>> | undefined,
  wanted: Readonly<Record<string, string>>,
): readonly JsonPatchOperation[] {
  if (current === undefined) return [{ op: 'add', path, value: wanted }];
  return Object.entries(wanted).flatMap(([key, value]): readonly JsonPatchOperation[] =>
    current[key] === value ? [] : [{ op: 'add', path: `${path}/${escapePointerSegment(key)}`, value }],
  );
}
