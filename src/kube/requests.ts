// Options of the verbs, and how they become a request.
import type { KubeObject } from '../api/index.ts';
import type { JsonObject, JsonValue } from '../json/index.ts';
import type { ApplyGuard } from './apply-patch.ts';
import type { CallRoute } from './errors.ts';
import { type ObjectKey, type Resource, resourceLabel } from './resource.ts';

export interface WriteOptions {
  readonly fieldManager?: string;
  /** Everything is checked and answered, nothing is stored. */
  readonly dryRun?: boolean;
  readonly subresource?: string;
}

/** `uid` and `resourceVersion` are guards: see {@link ApplyGuard}. */
export interface ApplyOptions extends ApplyGuard {
  /** At most 128 bytes. */
  readonly fieldManager: string;
  /** Take fields that other managers hold. Default false. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly subresource?: string;
}

export interface ApplyResult {
  readonly object: KubeObject;
  /** True where this very call created the object (201). */
  readonly isCreated: boolean;
}

/** `uid` and `resourceVersion` are preconditions: another value answers a conflict and nothing is deleted. */
export interface DeleteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Always said: the default differs between kinds, and a Job's leaves its Pods behind. */
  readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
}

/**
 * - `gone`: it does not exist any more, or did not to begin with.
 * - `deleting`: finalizers or a grace period hold it; `object` is what is left.
 */
export type DeleteResult =
  | { readonly state: 'gone' }
  | { readonly state: 'deleting'; readonly object: KubeObject };

export interface SelectOptions {
  /** Absent: all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Only metadata (`PartialObjectMetadata`). */
  readonly isMetadataOnly?: boolean | undefined;
}

export interface ListOptions extends SelectOptions {
  /** Objects per page. Default 500. */
  readonly pageSize?: number;
}

export interface ListPage {
  readonly items: readonly KubeObject[];
  /** Where a watch goes on from; the same for all pages of a list. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends SelectOptions {
  /** Absent with `sendsInitialEvents`: the newest state. */
  readonly resourceVersion?: string | undefined;
  /** The server ends the stream after this long. */
  readonly timeoutSeconds: number;
  /** Start with what exists, up to a bookmark that says so (WatchList). */
  readonly sendsInitialEvents?: boolean;
}

/** RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

type Query = Readonly<Record<string, string | undefined>>;

export const PATCH_TYPES = {
  apply: 'application/apply-patch+yaml',
  mergePatch: 'application/merge-patch+json',
  jsonPatch: 'application/json-patch+json',
} as const;

export function writeQuery(options: Pick<WriteOptions, 'fieldManager' | 'dryRun'>): Query {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun === true ? 'All' : undefined };
}

export function selectQuery(options: SelectOptions): Query {
  return { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
}

export function watchQuery(options: WatchOptions): Query {
  return {
    ...selectQuery(options),
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(options.timeoutSeconds),
    resourceVersion: options.resourceVersion,
    ...(options.sendsInitialEvents === true
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : {}),
  };
}

/** Media type of one answer kind, as metadata only where asked for. */
export function acceptOf(
  options: SelectOptions,
  kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList',
): string {
  return options.isMetadataOnly === true
    ? `application/json;as=${kind};g=meta.k8s.io;v=v1`
    : 'application/json';
}

export function deleteBody(options: DeleteOptions): JsonObject {
  const { uid, resourceVersion } = options;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: options.propagationPolicy,
    ...(uid === undefined && resourceVersion === undefined
      ? {}
      : { preconditions: { uid, resourceVersion } }),
    ...(options.dryRun === true ? { dryRun: ['All'] } : {}),
  };
}

export function routeOf(verb: string, resource: Resource, key: Partial<ObjectKey>): CallRoute {
  return { verb, resource: resourceLabel(resource), namespace: key.namespace, name: key.name };
}
