// Resources that the operator itself uses, so that its own kinds need no discovery.
import { API_GROUP, RESOURCE_GRAPH_KIND, TRANSFORM_KIND } from '../api/index.ts';
import type { Resource } from './resource.ts';

const ALL_VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'] as const;

function namespaced(group: string, version: string, kind: string, plural: string): Resource {
  return { group, version, kind, plural, namespaced: true, verbs: ALL_VERBS };
}

function clusterScoped(group: string, version: string, kind: string, plural: string): Resource {
  return { group, version, kind, plural, namespaced: false, verbs: ALL_VERBS };
}

export const TRANSFORMS: Resource = namespaced(API_GROUP, 'v1alpha1', TRANSFORM_KIND, 'transforms');
export const RESOURCE_GRAPHS: Resource = namespaced(
  API_GROUP,
  'v1alpha1',
  RESOURCE_GRAPH_KIND,
  'resourcegraphs',
);
export const CONTROLLER_REVISIONS: Resource = namespaced(
  'apps',
  'v1',
  'ControllerRevision',
  'controllerrevisions',
);
export const CONFIG_MAPS: Resource = namespaced('', 'v1', 'ConfigMap', 'configmaps');
export const PODS: Resource = namespaced('', 'v1', 'Pod', 'pods');
export const SECRETS: Resource = namespaced('', 'v1', 'Secret', 'secrets');
export const SERVICE_ACCOUNTS: Resource = namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const LEASES: Resource = namespaced('coordination.k8s.io', 'v1', 'Lease', 'leases');
export const NAMESPACES: Resource = clusterScoped('', 'v1', 'Namespace', 'namespaces');
export const CUSTOM_RESOURCE_DEFINITIONS: Resource = clusterScoped(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
);
