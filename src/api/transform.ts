import type { JsonObject } from '../json/index.ts';
import type { Condition, ObjectMeta } from './meta.ts';

/** "Take this CUE module, this input, and keep the result running." The one kind that users write. */
export interface Transform {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: TransformSpec;
  readonly status?: TransformStatus;
}

export interface TransformSpec extends JsonObject {
  readonly cueRef: CueRef;
  /** Free form; the module's `#Input` validates it. */
  readonly input?: JsonObject;
  /** Whose rights touch the cluster; the operator's `--default-service-account` where absent. */
  readonly serviceAccountName?: string;
  /** What happens to the objects when the Transform goes, or a node leaves the graph. Default `Delete`. */
  readonly deletionPolicy?: DeletionPolicy;
  /** How often an unlabelled ConfigMap is looked at again, as a Go duration. Default `5m`. */
  readonly interval?: string;
}

export type DeletionPolicy = 'Delete' | 'Orphan';

export interface CueRef extends JsonObject {
  readonly type: CueRefType;
  /**
   * `inline`: CUE source text. `embedded`: name of a platform type that ships with the operator.
   * `configmap`: name of a ConfigMap in the Transform's namespace.
   */
  readonly ref: string;
  /** Folder of the package within the module's tree. Default: the root. */
  readonly path?: string;
}

export type CueRefType = 'configmap' | 'embedded' | 'inline';

export interface TransformStatus extends JsonObject {
  readonly observedGeneration?: number;
  readonly lastHandledReconcileAt?: string;
  readonly resourceGraphRef?: ResourceGraphReference;
  /** Hash of everything that the last render depended on; equal means that rendering again is needless. */
  readonly renderKey?: string;
  /** The paths of `context` that the module refers to, so that `renderKey` can be computed without rendering. */
  readonly renderReads?: readonly string[];
  /** What the reference resolved to when it was last looked at. */
  readonly resolvedCueRef?: ResolvedCueRef;
  /** What the running graph was rendered from. */
  readonly applied?: AppliedModule;
  readonly conditions?: readonly Condition[];
  readonly violations?: readonly Violation[];
  /** The graph's nodes, mirrored. */
  readonly nodes?: TransformNodes;
  /** One line: node, object, why, since when. */
  readonly blockedBy?: string;
}

export interface ResourceGraphReference extends JsonObject {
  readonly name: string;
  readonly uid: string;
}

export interface ResolvedCueRef extends JsonObject {
  /** `sha256:…` of the tree. */
  readonly digest: string;
  /** The source's own name for the state: a ConfigMap's `uid/resourceVersion`. */
  readonly revision?: string;
  /** RFC 3339. Changes only with the digest. */
  readonly fetchedAt: string;
}

export interface AppliedModule extends JsonObject {
  readonly digest: string;
  readonly revision?: string;
  readonly renderHash: string;
}

export type Severity = 'Error' | 'Warning' | 'Info';

/** Something that the schema, the module or a policy says against this Transform. */
export interface Violation extends JsonObject {
  /** Dotted path in the input or the graph, e.g. `input.replicas`. Empty where it concerns the whole. */
  readonly path: string;
  readonly message: string;
  readonly severity: Severity;
  /** Name of the policy, where one raised it. */
  readonly policy?: string;
  /** `file:line:col` in the module. */
  readonly position?: string;
}

export interface TransformNodes extends JsonObject {
  readonly [nodeId: string]: TransformNodeStatus | undefined;
}

export interface TransformNodeStatus extends JsonObject {
  readonly phase: NodePhase;
  readonly lastError?: string;
  readonly readyDetails?: string;
}

/** Phase of a node; the legal moves are the table in `src/graph`. */
export type NodePhase = 'Pending' | 'Applied' | 'Ready' | 'Error';

export const TRANSFORM_CONDITIONS = [
  'Ready',
  'Fetched',
  'Validated',
  'Rendered',
  'Reconciling',
  'Stalled',
] as const;
export type TransformConditionType = (typeof TRANSFORM_CONDITIONS)[number];
