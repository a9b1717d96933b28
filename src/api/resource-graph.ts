import type { JsonObject } from '../json/index.ts';
import type { Condition, KubeObject, ObjectMeta } from './meta.ts';
import type { DeletionPolicy, NodePhase, Violation } from './transform.ts';

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
}

export interface GraphNode extends JsonObject {
  /** `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$` */
  readonly id: string;
  readonly object: KubeObject;
  readonly dependsOn?: readonly string[];
  /** Orphan wins wherever it is said. */
  readonly deletionPolicy?: DeletionPolicy;
  /** JSON pointers to fields that someone else sets, e.g. `/spec/replicas` under an autoscaler; not into lists. */
  readonly ignoreFields?: readonly string[];
  /** None: the kind's own rules decide (kstatus). All must hold. */
  readonly readyWhen?: readonly ReadinessPredicate[];
}

/** When a node counts as ready. `timeout` is a Go duration counted from the node's last apply; default 5m. */
export type ReadinessPredicate =
  | ConditionMatchPredicate
  | (JsonObject & { readonly type: 'DeploymentAvailable'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'StatefulSetReady'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'JobComplete'; readonly timeout?: string })
  | (JsonObject & { readonly type: 'Exists'; readonly timeout?: string });

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
}

/** What this graph has, or may have, in the cluster. Union before the first write of a change, shrunk only after. */
export interface Inventory extends JsonObject {
  /** Uid of the graph that wrote it; another one means: rebuild before any write. */
  readonly graphUID: string;
  readonly items: readonly InventoryItem[];
}

/** Who brought an object into being: `Found` ones are never deleted by us. */
export type Origin = 'Created' | 'Found';

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
  /** Found again by label after the inventory was lost, and not in the graph: kept until the Transform goes. */
  readonly rebuilt?: boolean;
}

export const RESOURCE_GRAPH_CONDITIONS = ['Ready', 'Reconciling', 'Stalled'] as const;
export type ResourceGraphConditionType = (typeof RESOURCE_GRAPH_CONDITIONS)[number];
