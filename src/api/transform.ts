import type { JsonObject } from '../json/index.ts';
import type { CueRef, ResolvedCueRef } from './cue-ref.ts';
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
  /** How often a tag, a branch or an unlabelled ConfigMap is looked at again, as a Go duration. Default `5m`. */
  readonly interval?: string;
  /** Values from ConfigMaps of the Transform's namespace, laid under `input` in this order. */
  readonly inputFrom?: readonly InputSource[];
  /** Existing objects to take over, or to read only. */
  readonly adopt?: Adoption;
  /** When objects that left the graph go: after all others are applied, or only after all are ready. */
  readonly prunePolicy?: PrunePolicy;
  /** What is done about changes that others make to the objects. Default `correct`. */
  readonly drift?: DriftPolicy;
  /** Not ready for this long after a change is a failure, which is retried all the same. Go duration, default `10m`. */
  readonly progressDeadline?: string;
  /** No fetch, render, apply or repair. Deletion still works. */
  readonly suspend?: boolean;
  /** Plan only: what would be done is in `status.plan`, and is done when it is approved by its hash. */
  readonly dryRun?: boolean;
  /** Runs this revision, whatever module and input say, until it is taken away. */
  readonly rollbackTo?: number;
  /** After a failure runs the last revision that was Ready, until spec or digest change. */
  readonly rollbackOnFailure?: boolean;
  /** Revisions kept besides the running one. Default 10. */
  readonly revisionHistoryLimit?: number;
  readonly healthCheck?: HealthCheck;
  /** Deletes the Transform this long after it was first Ready, or, if it never was, after its progress deadline. */
  readonly ttl?: string;
}

export interface InputSource extends JsonObject {
  readonly kind: 'ConfigMap';
  readonly name: string;
  /** The key whose text is a value in YAML or JSON. */
  readonly key: string;
  /** Dotted path in the input that the value goes to. Default: the value is an object, and the input itself. */
  readonly targetPath?: string;
  /** A ConfigMap or key that is missing is passed over. */
  readonly optional?: boolean;
}

/** `TakeOwnership`: the object becomes one of the graph's. `Mirror`: it is read and waited for, never written. */
export type AdoptionStrategy = 'Mirror' | 'TakeOwnership';

export interface Adoption extends JsonObject {
  /** Only what is listed. */
  readonly mode: 'Explicit';
  readonly strategy: AdoptionStrategy;
  readonly resources: readonly AdoptedResource[];
}

export interface AdoptedResource extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Default: the Transform's. */
  readonly namespace?: string;
  readonly name: string;
  /** The node that describes the object; else the one node whose object it is. */
  readonly nodeId?: string;
}

export type PrunePolicy = 'AfterApplied' | 'AfterReady';

/** `correct`: put right. `detect`: reported and left. `ignore`: left. */
export type DriftPolicy = 'correct' | 'detect' | 'ignore';

export interface HealthCheck extends JsonObject {
  /** How often what no watch tells of is looked at again once it is ready. Go duration. */
  readonly interval?: string;
}

export type DeletionPolicy = 'Delete' | 'Orphan';

export interface TransformStatus extends JsonObject {
  readonly observedGeneration?: number;
  readonly lastHandledReconcileAt?: string;
  readonly resourceGraphRef?: ResourceGraphReference;
  /** Hash of everything that the last render depended on; equal means that rendering again is needless. */
  readonly renderKey?: string;
  /** The paths of `context` and `observed` that the module refers to, so that `renderKey` can be computed without rendering. */
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
  /** How many nodes are ready, of how many: `3/5`. */
  readonly readyNodes?: string;
  /** Number of the revision that runs. */
  readonly currentRevision?: number;
  /** What keeps an earlier revision running. */
  readonly pin?: RevisionPin;
  /** What would be done, while `spec.dryRun` is set. */
  readonly plan?: ExecutionPlan;
  /** RFC 3339; what `spec.ttl` counts from. */
  readonly firstReadyAt?: string;
  /** Graphs that differ by live values only, since spec or digest last changed, newest last. */
  readonly liveRenders?: LiveRenders;
}

/** Written before the graph, so that a crash between the two changes nothing. */
export interface RevisionPin extends JsonObject {
  readonly revision: number;
  /** Generation of the Transform that the pin holds for. */
  readonly generation: number;
  /** Digest of the module that the pin holds for. */
  readonly digest: string;
  readonly reason: 'RollbackOnFailure' | 'RollbackTo';
  /** Which revision failed, and of what. */
  readonly message?: string;
}

export interface LiveRenders extends JsonObject {
  readonly generation: number;
  readonly digest: string;
  /** The `renderKey` apart from live values. */
  readonly question: string;
  /** One that is listed twice is where the renders went round in a circle. */
  readonly hashes: readonly string[];
}

/** What executing a candidate would do, found by server-side dry-run. */
export interface ExecutionPlan extends JsonObject {
  /** What `pequod.io/approve` has to say to have exactly this done. */
  readonly hash: string;
  /** Name of the ControllerRevision that holds the candidate. */
  readonly candidate: string;
  /** Hash of the candidate's nodes. */
  readonly renderHash: string;
  /** Hash of what the plan was made from; where it differs, the plan is made again. */
  readonly basis: string;
  /** True where it was approved, and was still the same when it was checked after that. */
  readonly isConfirmed?: boolean;
  readonly items: readonly PlanItem[];
  /** True where there are more items than are listed. */
  readonly isTruncated?: boolean;
}

export type PlanAction = 'Adopt' | 'Change' | 'Create' | 'Error' | 'Keep' | 'Prune' | 'Recreate' | 'Wait';

export interface PlanItem extends JsonObject {
  readonly action: PlanAction;
  readonly nodeId: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** Of the live object, where there is one. */
  readonly uid?: string;
  /** What would change; values of Secrets are masked. */
  readonly changes?: readonly PlanChange[];
  /** Why, where the action does not say it. */
  readonly message?: string;
}

export interface PlanChange extends JsonObject {
  /** As the API server names fields: `.spec.replicas`. */
  readonly path: string;
  /** JSON text, shortened; absent where the field is not there. */
  readonly from?: string;
  readonly to?: string;
}

export interface ResourceGraphReference extends JsonObject {
  readonly name: string;
  readonly uid: string;
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
