// The parts of the Kubernetes object model that Pequod reads. Everything else in an object is carried as JSON.
import { isJsonObject, type JsonObject } from '../json/index.ts';

/** Any Kubernetes object, as it stands on the wire. */
export interface KubeObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta extends JsonObject {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface StringMap extends JsonObject {
  readonly [key: string]: string | undefined;
}

export interface OwnerReference extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** One field manager's share of an object. */
export interface ManagedFieldsEntry extends JsonObject {
  readonly manager?: string;
  readonly operation?: 'Apply' | 'Update';
  readonly apiVersion?: string;
  /** RFC 3339, whole seconds. */
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: JsonObject;
}

export interface GroupVersionKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Identity of an object in the cluster, whatever version it is read through. */
export interface ObjectIdentity {
  readonly group: string;
  readonly kind: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Namespace and name of a namespaced object. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** `apps/v1`, `Deployment` → its parts; the core group is the empty string. */
export function gvkOf(object: { readonly apiVersion: string; readonly kind: string }): GroupVersionKind {
  const slash = object.apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : object.apiVersion.slice(0, slash),
    version: object.apiVersion.slice(slash + 1),
    kind: object.kind,
  };
}

/** The inverse of {@link gvkOf} for the `apiVersion` field. */
export function apiVersionOf(gvk: { readonly group: string; readonly version: string }): string {
  return gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`;
}

/** A unique text for an identity, also used to sort: `apps/Deployment/shop/web`. */
export function identityKey(identity: ObjectIdentity): string {
  return [identity.group, identity.kind, identity.namespace ?? '', identity.name].join('/');
}

/** How an object is named to people: `Deployment shop/web`. */
export function describeIdentity(identity: ObjectIdentity): string {
  return identity.namespace === undefined
    ? `${identity.kind} ${identity.name}`
    : `${identity.kind} ${identity.namespace}/${identity.name}`;
}

/** metav1.Condition. */
export interface Condition extends JsonObject {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; changes only with `status`. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** True where apiVersion, kind and metadata are there, so that the value can be treated as an object. */
export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isJsonObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isJsonObject(value['metadata'])
  );
}
