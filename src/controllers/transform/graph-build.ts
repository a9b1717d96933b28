// What a ResourceGraph has to be, from a Transform and its render. Pure.
import {
  API_VERSION,
  APPLYSET_ID_LABEL,
  APPLYSET_KINDS_ANNOTATION,
  APPLYSET_TOOLING_ANNOTATION,
  type GraphMetadata,
  type GraphNode,
  gvkOf,
  type InventoryItem,
  isResolvedNode,
  type KubeObject,
  type OwnerReference,
  type PlanPolicies,
  RECONCILE_ANNOTATION,
  RESOURCE_GRAPH_FINALIZER,
  RESOURCE_GRAPH_KIND,
  type ResourceGraphSpec,
  type SourceReference,
  TRANSFORM_KIND,
  type Transform,
} from '../../api/index.ts';
import { applySetId } from '../../graph/index.ts';
import type { Rendered } from '../../render/index.ts';
import type { RevisionContent } from '../../revisions/index.ts';
import type { Resolution } from '../../source/index.ts';
import { clipText, clipToken, clipViolations } from './clip.ts';

/** Value of the KEP's tooling annotation: name and version of who manages the set. */
const TOOLING = 'pequod/v0.1';
const MAX_PLATFORM_REF_LENGTH = 512;
const MAX_VERSION_LENGTH = 128;
const MAX_MODULE_NAME_LENGTH = 253;

/** What is copied from the Transform at once, whether or not the module renders. */
export type GraphPolicies = Pick<ResourceGraphSpec, 'serviceAccountName' | 'deletionPolicy'> &
  OptionalPolicies;

/** A policy that the Transform does not name is not in the graph either. */
type OptionalPolicies = {
  readonly [K in OptionalPolicy]?: ResourceGraphSpec[K] | undefined;
};

type OptionalPolicy = 'adopt' | 'drift' | 'healthCheck' | 'progressDeadline' | 'prunePolicy' | 'suspend';

export interface GraphInput {
  readonly transform: Transform;
  readonly result: Rendered;
  readonly resolution: Resolution;
  readonly sourceKey: string;
  readonly policies: GraphPolicies;
  /** The graph as it is: the time of its render stays with an equal render. */
  readonly previous: ResourceGraphSpec | undefined;
  /** RFC 3339. */
  readonly nowIso: string;
}

/** The spec of the graph. */
export function graphSpec(input: GraphInput): ResourceGraphSpec {
  const { result, policies, transform } = input;
  const violations = clipViolations(result.violations);
  return {
    sourceRef: sourceReference(transform),
    metadata: graphMetadata(input),
    nodes: result.nodes,
    ...(violations.length === 0 ? {} : { violations }),
    ...presentPolicies(policies),
  };
}

/** The spec that runs a revision again, as it was but for the policies. */
export function revisionSpec(
  transform: Transform,
  content: RevisionContent,
  policies: GraphPolicies,
): ResourceGraphSpec {
  const { metadata, nodes, violations } = content;
  return {
    sourceRef: sourceReference(transform),
    metadata,
    nodes,
    ...(violations === undefined ? {} : { violations }),
    ...presentPolicies(policies),
  };
}

/** The policies that are named, as a graph holds them. */
export function presentPolicies(policies: GraphPolicies): PlanPolicies {
  const { serviceAccountName, deletionPolicy, ...others } = policies;
  const present = Object.entries(others).filter(([, value]) => value !== undefined);
  return { serviceAccountName, deletionPolicy, ...Object.fromEntries(present) };
}

function graphMetadata({
  transform,
  result,
  resolution,
  sourceKey,
  previous,
  nowIso,
}: GraphInput): GraphMetadata {
  const { name, version } = result.metadata;
  const { type, ref } = transform.spec.cueRef;
  const before = previous?.metadata;
  return {
    ...(name === undefined ? {} : { name: clipText(name, MAX_MODULE_NAME_LENGTH) }),
    ...(version === undefined ? {} : { version: clipText(version, MAX_VERSION_LENGTH) }),
    platformRef: type === 'inline' ? 'inline' : clipText(`${type}:${ref}`, MAX_PLATFORM_REF_LENGTH),
    renderHash: result.renderHash,
    renderedAt: before?.renderHash === result.renderHash ? before.renderedAt : nowIso,
    digest: resolution.digest,
    sourceKey,
  };
}

export function sourceReference(transform: Pick<Transform, 'metadata'>): SourceReference {
  const { name, uid = '' } = transform.metadata;
  return { kind: TRANSFORM_KIND, name, uid };
}

/** The Transform as controller of its graph. */
export function ownerReference(transform: Pick<Transform, 'metadata'>): OwnerReference {
  const { name, uid = '' } = transform.metadata;
  return {
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The whole graph, as it is created. */
export function newGraph(transform: Transform, spec: ResourceGraphSpec): KubeObject {
  const { namespace = '', name } = transform.metadata;
  const token = transform.metadata.annotations?.[RECONCILE_ANNOTATION];
  const asked = token === undefined ? {} : { [RECONCILE_ANNOTATION]: clipToken(token) };
  return {
    apiVersion: API_VERSION,
    kind: RESOURCE_GRAPH_KIND,
    metadata: {
      namespace,
      name,
      finalizers: [RESOURCE_GRAPH_FINALIZER],
      ownerReferences: [ownerReference(transform)],
      labels: applySetLabels(namespace, name),
      annotations: { ...applySetAnnotations(spec.nodes, []), ...asked },
    },
    spec,
  };
}

export function applySetLabels(namespace: string, name: string): Readonly<Record<string, string>> {
  return {
    [APPLYSET_ID_LABEL]: applySetId({ namespace, name }),
  };
}

/** The kinds that the set has or had: what an inventory that was lost is looked for in. */
export function applySetAnnotations(
  nodes: readonly GraphNode[],
  inventory: readonly InventoryItem[],
): Readonly<Record<string, string>> {
  const kinds = new Set<string>();
  for (const { object } of nodes.filter(isResolvedNode)) kinds.add(groupKind(gvkOf(object)));
  for (const item of inventory) kinds.add(groupKind(item));
  return {
    [APPLYSET_TOOLING_ANNOTATION]: TOOLING,
    [APPLYSET_KINDS_ANNOTATION]: [...kinds].sort().join(','),
  };
}

function groupKind({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return group === '' ? kind : `${kind}.${group}`;
}
