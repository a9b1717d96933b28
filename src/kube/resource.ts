// Where a kind is served, and the paths of its objects. An empty name would turn a call on one object into a call on
// the whole collection, so that a reference which does not name exactly one object is refused before anything is sent.
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../api/index.ts';
import { TerminalError } from '../errors.ts';

/** A kind as the API server serves it, from discovery. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Name in paths, e.g. `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** One object of a known resource; no namespace for cluster-scoped ones. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `deployments.apps`, `configmaps`: how people and metrics name a resource. */
export function resourceLabel(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** Unique text of a group, version and kind, for maps. */
export function gvkKey(gvk: GroupVersionKind): string {
  return `${gvk.group}/${gvk.version}/${gvk.kind}`;
}

/** Key of an object in its own metadata. */
export function keyOf(object: KubeObject): ObjectKey {
  const { namespace, name } = object.metadata;
  return { namespace, name };
}

function rootPath(resource: Resource): string {
  const prefix = resource.group === '' ? '/api' : '/apis';
  return `${prefix}/${apiVersionOf(resource)}`;
}

function refuse(message: string): TerminalError {
  return new TerminalError(message, { code: 'INVALID_REFERENCE', reason: 'InvalidReference' });
}

function segment(text: string, what: string): string {
  if (text === '' || text === '.' || text === '..' || /[/%]/.test(text)) {
    throw refuse(`${JSON.stringify(text)} is not a valid ${what}`);
  }
  return encodeURIComponent(text);
}

/** Path of all objects, or of those in one namespace. */
export function collectionPath(resource: Resource, namespace?: string): string {
  if (namespace === undefined) return `${rootPath(resource)}/${resource.plural}`;
  if (!resource.namespaced) throw refuse(`${resourceLabel(resource)} are not in namespaces`);
  return `${rootPath(resource)}/namespaces/${segment(namespace, 'namespace')}/${resource.plural}`;
}

/**
 * Path of one object.
 * @throws TerminalError (`INVALID_REFERENCE`) for an empty or impossible name, a missing or a superfluous namespace.
 */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (resource.namespaced && key.namespace === undefined) {
    throw refuse(`${resourceLabel(resource)} ${key.name} needs a namespace`);
  }
  const path = `${collectionPath(resource, key.namespace)}/${segment(key.name, 'name')}`;
  return subresource === undefined ? path : `${path}/${segment(subresource, 'subresource')}`;
}
