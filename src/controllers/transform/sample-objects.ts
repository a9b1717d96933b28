// Objects for this folder's tests: complete, small, and each different only where a test says so.
import {
  API_VERSION,
  type Condition,
  type KubeObject,
  RESOURCE_GRAPH_KIND,
  type ResourceGraphSpec,
  type ResourceGraphStatus,
  TRANSFORM_KIND,
  type Transform,
  type TransformSpec,
  type TransformStatus,
} from '../../api/index.ts';
import { hashJson, type JsonObject } from '../../json/index.ts';
import { ownerReference } from './graph-build.ts';

export const NOW_ISO = '2026-01-01T00:00:10Z';
export const EARLIER_ISO = '2026-01-01T00:00:00Z';
const NODES: ResourceGraphSpec['nodes'] = [
  { id: 'config', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' } } },
];
export const RENDER_HASH: string = hashJson(NODES);

export function sampleTransform(
  parts: {
    readonly spec?: Partial<TransformSpec>;
    readonly status?: TransformStatus;
    readonly metadata?: JsonObject;
  } = {},
): Transform & KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'transform-uid',
      generation: 2,
      resourceVersion: '10',
      finalizers: ['pequod.io/transform-finalizer'],
      ...parts.metadata,
    },
    spec: { cueRef: { type: 'inline', ref: 'graph: {}' }, ...parts.spec },
    ...(parts.status === undefined ? {} : { status: parts.status }),
  };
}

export function sampleGraphSpec(parts: Partial<ResourceGraphSpec> = {}): ResourceGraphSpec {
  return {
    sourceRef: { kind: 'Transform', name: 'web', uid: 'transform-uid' },
    metadata: {
      platformRef: 'inline',
      renderHash: RENDER_HASH,
      renderedAt: EARLIER_ISO,
      digest: 'sha256:module',
    },
    nodes: NODES,
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
    ...parts,
  };
}

export function sampleGraph(
  parts: {
    readonly spec?: Partial<ResourceGraphSpec>;
    readonly status?: ResourceGraphStatus;
    readonly metadata?: JsonObject;
  } = {},
): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: RESOURCE_GRAPH_KIND,
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'graph-uid',
      generation: 3,
      resourceVersion: '20',
      ownerReferences: [ownerReference(sampleTransform())],
      ...parts.metadata,
    },
    spec: sampleGraphSpec(parts.spec),
    ...(parts.status === undefined ? {} : { status: parts.status }),
  };
}

export function sampleCondition(
  type: string,
  status: Condition['status'],
  parts: Partial<Condition> = {},
): Condition {
  return {
    type,
    status,
    reason: 'Because',
    message: 'because',
    lastTransitionTime: EARLIER_ISO,
    observedGeneration: 2,
    ...parts,
  };
}
