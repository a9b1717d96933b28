import type { JsonObject, JsonValue } from '../json/index.ts';
import type { Condition, KubeObject, ObjectMeta } from './meta.ts';
import type {
  Adoption,
  DeletionPolicy,
  DriftPolicy,
  ExecutionPlan,
  HealthCheck,
  NodePhase,
  PrunePolicy,
  Violation,
} from './transform.ts';

/** The executable plan of one Transform: same name, updated in place, written by the operator alone. */
export interface ResourceGraph {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: ResourceGraphSpec;
  readonly status?: ResourceGraphStatus;
}

export interface ResourceGraphSpec extends JsonObject {
  readonly sourceRef: SourceReference;
  readonly metadata: GraphMetadata;
  readonly nodes: readonly GraphNode[];
  /** Warnings of module and policies that did not stop the render. */
  readonly violations?: readonly Violation[];
  /** Copied from the Transform at once, whether or not the module renders. */
  readonly serviceAccountName: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly prunePolicy?: PrunePolicy;
  readonly drift?: DriftPolicy;
  readonly suspend?: boolean;
  readonly adopt?: Adoption;
  readonly healthCheck?: HealthCheck;
  readonly progressDeadline?: string;
  /** Name of the ControllerRevision to plan for; the nodes here keep running meanwhile. */
  readonly planRevision?: string;
  /** The policies that the planned nodes would run under. */
  readonly planPolicies?: PlanPolicies;
  /** Hash of the plan that was approved: it is checked once more, and then the planned nodes replace those here. */
  readonly approvedPlan?: string;
}

/** What a graph copies from its Transform besides the nodes. */
export interface PlanPolicies extends JsonObject {
  readonly serviceAccountName: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly prunePolicy?: PrunePolicy;
  readonly drift?: DriftPolicy;
  readonly suspend?: boolean;
  readonly adopt?: Adoption;
  readonly healthCheck?: HealthCheck;
  readonly progressDeadline?: string;
}

/** The Transform that this graph belongs to; always in the same namespace. */
export interface SourceReference extends JsonObject {
  readonly kind: 'Transform';
  readonly name: string;
  readonly uid: string;
}

export interface GraphMetadata extends JsonObject {
  /** The module's own name and version, where it says them. */
  readonly name?: string;
  readonly version?: string;
  /** `type:ref` of the module, shortened. */
  readonly platformRef: string;
  /** Hash of the nodes. What is equal here is executed only once. */
  readonly renderHash: string;
  /** RFC 3339; the time of the first render with this hash. */
  readonly renderedAt: string;
  /** Digest of the module's tree. */
  readonly digest: string;
  /** Number of the revision. Graphs that follow from live values alone have the same one. */
  readonly revision?: number;
  /** Hash of all that was rendered besides live values: graphs with the same one are one revision. */
  readonly sourceKey?: string;
}

/** A node has either an object or, while that depends on a value that is not known yet, what it waits for. */
export interface GraphNode extends JsonObject {
  /** `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$` */
  readonly id: string;
  readonly object?: KubeObject;
  /** Paths of `observed` without a value: `observed.db.host`. Nothing of such a node is written or removed. */
  readonly waitsFor?: readonly string[];
  readonly dependsOn?: readonly string[];
  /** How the object is written. */
  readonly applyPolicy?: ApplyPolicy;
  /** Values of the live object that other nodes may read as `observed.<id>.<name>`, as CEL over `object`. */
  readonly exports?: ExportExpressions;
  /** Orphan wins wherever it is said. */
  readonly deletionPolicy?: DeletionPolicy;
  /** JSON pointers to fields that someone else sets, e.g. `/spec/replicas` under an autoscaler; not into lists. */
  readonly ignoreFields?: readonly string[];
  /** None: the kind's own rules decide (kstatus). All must hold. */
  readonly readyWhen?: readonly ReadinessPredicate[];
}

/** A node whose object is known. */
export interface ResolvedNode extends GraphNode {
  readonly object: KubeObject;
}

export function isResolvedNode(node: GraphNode): node is ResolvedNode {
  return node.object !== undefined;
}

export interface ExportExpressions extends JsonObject {
  readonly [name: string]: string | undefined;
}

/**
 * `Apply`: kept as the node says. `Create`: created where it is missing, never touched again. `Adopt`: an object that
 * exists is taken over, to be managed, and later deleted, like one that we created.
 */
export type ApplyMode = 'Adopt' | 'Apply' | 'Create';

export interface ApplyPolicy extends JsonObject {
  /** Default `Apply`. */
  readonly mode?: ApplyMode;
  /** Fields that others hold: an error (the default), or taken. Another graph's object is refused in any case. */
  readonly conflictPolicy?: 'Error' | 'Force';
  /** Fields that can't be changed: an error (the default), or the object is deleted and made again. */
  readonly recreate?: 'Never' | 'OnImmutable';
}

/** When a node counts as ready. `timeout` is a Go duration counted from the node's last apply; default 5m. */
export type ReadinessPredicate =
  | ConditionMatchPredicate
  | (JsonObject & { readonly type: 'DeploymentAvailable'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'StatefulSetReady'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'JobComplete'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'Exists'; readonly timeout?: string })
  | CelPredicate
  | ExternalPredicate
  | WebhookPredicate;

export interface CelPredicate extends JsonObject {
  readonly type: 'CEL';
  /** Over `object`; true means ready. A field that is missing means not yet. */
  readonly expression: string;
  /** True means failed for good. */
  readonly failedWhen?: string;
  readonly timeout?: string;
}

export interface ExternalPredicate extends JsonObject {
  readonly type: 'External';
  /** `http://`, `https://`: answers 2xx. `tcp://host:port`: accepts. `grpc://`, `grpcs://host:port[/service]`: SERVING. */
  readonly url: string;
  /** How often it is asked. Go duration, default 10s. */
  readonly interval?: string;
  readonly timeout?: string;
}

export interface WebhookPredicate extends JsonObject {
  readonly type: 'Webhook';
  /** Gets the object by POST, answers `{"ready": bool, "failed"?: bool, "message"?: string}`. */
  readonly url: string;
  /** How often it is asked. Go duration, default 10s. */
  readonly interval?: string;
  readonly timeout?: string;
}

export interface ConditionMatchPredicate extends JsonObject {
  readonly type: 'ConditionMatch';
  /** Type of the condition in `status.conditions`. */
  readonly conditionType: string;
  /** Default `True`. */
  readonly conditionStatus?: 'True' | 'False' | 'Unknown';
  readonly timeout?: string;
}

export type ReadinessPredicateType = ReadinessPredicate['type'];

export type GraphPhase = 'Pending' | 'Executing' | 'Ready' | 'Failed';

export interface ResourceGraphStatus extends JsonObject {
  readonly observedGeneration?: number;
  readonly phase?: GraphPhase;
  readonly conditions?: readonly Condition[];
  readonly nodeStatus?: NodeStatuses;
  readonly inventory?: Inventory;
  /** One line: node, object, why, since when. */
  readonly blockedBy?: string;
  /** The `renderHash` that node states speak of. */
  readonly executedHash?: string;
  /** The change of the nodes that is under way; absent once they have all been Ready with it. */
  readonly execution?: Execution;
  /** Number of the last revision that was Ready: what a graph that is replaced is remembered by. */
  readonly readyRevision?: number;
  /** RFC 3339; when the nodes of `executedHash` were first all applied. */
  readonly executedAt?: string;
  /** The newest notable transitions of the graph, oldest first. */
  readonly history?: readonly GraphTransition[];
  /** The last repair. Written at most once a minute. */
  readonly lastDrift?: DriftRecord;
  /** What executing `spec.planRevision` would do. */
  readonly plan?: ExecutionPlan;
  /** The `pequod.io/reconcile` token of the last run that was asked for and is over. */
  readonly lastHandledReconcileAt?: string;
}

export interface Execution extends JsonObject {
  readonly renderHash: string;
  /** RFC 3339; `spec.progressDeadline` counts from here. */
  readonly startedAt: string;
}

export interface GraphTransition extends JsonObject {
  /** RFC 3339. */
  readonly time: string;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface DriftRecord extends JsonObject {
  /** RFC 3339. */
  readonly time: string;
  readonly nodeId: string;
  /** Kind, namespace and name. */
  readonly object: string;
  /** As the API server names them; none where the object was gone. */
  readonly fields?: readonly string[];
  /** Field manager that changed them, where it is known. */
  readonly manager?: string;
}

export interface NodeStatuses extends JsonObject {
  readonly [nodeId: string]: NodeStatus | undefined;
}

/** A settled node holds only `phase` and `readyAt`. All times are RFC 3339. */
export interface NodeStatus extends JsonObject {
  readonly phase: NodePhase;
  readonly reason?: string;
  readonly message?: string;
  readonly lastError?: string;
  readonly readyDetails?: string;
  /** Failed tries in a row. */
  readonly attempts?: number;
  readonly nextAttemptAt?: string;
  readonly appliedAt?: string;
  readonly readyAt?: string;
  readonly lastTransitionTime?: string;
  /** The object was there and was taken over. */
  readonly adopted?: boolean;
  /** Field managers that held fields of an adopted object before: `kubectl-client-side-apply (Update)`. */
  readonly previousManagers?: readonly string[];
  readonly exports?: NodeExports;
  /** Times in a row that a node which was Ready got unready, or failed, and had to recover. */
  readonly setbacks?: number;
  /** Repairs of this node slow down until then. */
  readonly quarantinedUntil?: string;
}

export interface NodeExports extends JsonObject {
  readonly [name: string]: ExportedValue | undefined;
}

/** A value lasts until the uid of its object, or its expression, changes. */
export interface ExportedValue extends JsonObject {
  /** Absent while it was never seen, or is lost. */
  readonly value?: JsonValue;
  /** Hash of the expression. */
  readonly exprHash: string;
  /** Of the object that it came from. */
  readonly uid: string;
  /** RFC 3339; since when a value that was published is gone with its object. */
  readonly lostAt?: string;
  /** Why there is no value. */
  readonly message?: string;
}

/** What this graph has, or may have, in the cluster. Union before the first write of a change, shrunk only after. */
export interface Inventory extends JsonObject {
  /** Uid of the graph that wrote it; another one means: rebuild before any write. */
  readonly graphUID: string;
  readonly items: readonly InventoryItem[];
}

/** Who brought an object into being. `Found` ones are never deleted by us; `Adopted` ones count as if we had created them. */
export type Origin = 'Adopted' | 'Created' | 'Found';

export interface InventoryItem extends JsonObject {
  readonly nodeId: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly name: string;
  /** Absent while only the intent to create it is recorded. */
  readonly uid?: string;
  readonly origin: Origin;
  readonly deletion: DeletionPolicy;
  /** Depth in the graph; deletion goes from the highest to 0. */
  readonly wave: number;
  /** Hash of the node as last sent. */
  readonly sent?: string;
  /** Hash of the fields that our manager owned in the response. */
  readonly owned?: string;
  /** Hash of their paths alone: it tells what was ours and is not any more. */
  readonly ownedPaths?: string;
  /** Found again by label after the inventory was lost, and not in the graph: kept until the Transform goes. */
  readonly rebuilt?: boolean;
  /** RFC 3339; since when it could be pruned, for its grace period. */
  readonly prunableSince?: string;
}

export const RESOURCE_GRAPH_CONDITIONS = [
  'Ready',
  'Healthy',
  'DriftDetected',
  'Pruned',
  'Planned',
  'Reconciling',
  'Stalled',
] as const;
export type ResourceGraphConditionType = (typeof RESOURCE_GRAPH_CONDITIONS)[number];
