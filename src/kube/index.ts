export { pause } from './abort.ts';
export type { CallRecord } from './api-request.ts';
export type { ApplyGuard } from './apply-patch.ts';
export { retiredApiVersion } from './classify.ts';
export { OperatorClient, type OperatorClientOptions, type TenantClient } from './client.ts';
export {
  type ClusterConfig,
  type Credentials,
  fixedClusterConfig,
  type TlsMaterial,
  type TokenSupplier,
} from './config.ts';
export {
  ApiError,
  type CallRoute,
  conflictSubject,
  type DeniedAccess,
  deniedAccess,
  isAdmissionRefused,
  isAlreadyExists,
  isConflict,
  isCrdTerminating,
  isForbidden,
  isKindNotServed,
  isNamespaceMissing,
  isNamespaceTerminating,
  isNotFound,
  isPatchRejected,
  isPreconditionFailed,
  isTooManyRequests,
  isUnauthorized,
  type StatusCause,
  type StatusDetails,
  TransportError,
  type TransportErrorKind,
} from './errors.ts';
export type { Throttling } from './flow-control.ts';
export { type ServiceAccountIdentity, serviceAccountIdentity } from './identity.ts';
export { type InClusterOptions, inClusterConfig, isInCluster } from './in-cluster.ts';
export type { ApiLoad } from './in-flight-limit.ts';
export {
  type ChangeHandler,
  Informer,
  type InformerOptions,
  type InformerState,
  type StateHandler,
} from './informer.ts';
export {
  type InformerHandle,
  type InformerScope,
  InformerSet,
  type InformerSetOptions,
} from './informer-set.ts';
export * from './known-resources.ts';
export { type KubeconfigOptions, kubeconfigConfig } from './kubeconfig.ts';
export type { Indexes, InformerEvent } from './object-store.ts';
export { type Outage, Reachability, type ReachabilityOptions } from './reachability.ts';
export type { WatchTiming } from './reflector.ts';
export type {
  ApplyOptions,
  ApplyResult,
  DeleteOptions,
  DeleteResult,
  JsonPatchOperation,
  ListOptions,
  ListPage,
  SelectOptions,
  WatchOptions,
  WriteOptions,
} from './requests.ts';
export { gvkKey, keyOf, type ObjectKey, type Resource, resourceLabel } from './resource.ts';
export { RestMapper, type RestMapperOptions } from './rest-mapper.ts';
export type { RetryTiming } from './retry-policy.ts';
export type { AccessAttributes, AccessReview, ResourceRule, RulesReview } from './review.ts';
export type { TransportOptions } from './transport.ts';
export type { BookmarkFrame, ErrorFrame, ObjectFrame, WatchFrame } from './watch.ts';
export { NotLeaderError } from './write-gate.ts';
