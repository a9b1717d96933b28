// Names that Pequod writes into the cluster. They are part of the API: changing one strands what is already there.

export const API_GROUP = 'platform.pequod.io' as const;
export const API_VERSION = 'platform.pequod.io/v1alpha1' as const;
export const TRANSFORM_KIND = 'Transform' as const;
export const RESOURCE_GRAPH_KIND = 'ResourceGraph' as const;

export const TRANSFORM_FINALIZER = 'pequod.io/transform-finalizer' as const;
export const RESOURCE_GRAPH_FINALIZER = 'pequod.io/resourcegraph-finalizer' as const;
/** Set by the API server when a delete asks for `propagationPolicy: Orphan`. */
export const ORPHAN_FINALIZER = 'orphan' as const;

/** On children: id of the graph that applies them. What the informers select by. */
export const GRAPH_LABEL = 'pequod.io/graph' as const;
/** On children and, with the same id, named by the graph: KEP-3659. */
export const APPLYSET_PART_OF_LABEL = 'applyset.kubernetes.io/part-of' as const;
/** On the graph: its own ApplySet id. */
export const APPLYSET_ID_LABEL = 'applyset.kubernetes.io/id' as const;
export const APPLYSET_TOOLING_ANNOTATION = 'applyset.kubernetes.io/tooling' as const;
export const APPLYSET_KINDS_ANNOTATION = 'applyset.kubernetes.io/contains-group-kinds' as const;

/** On children: the node's id, for people and for rebuilding an inventory. */
export const NODE_ANNOTATION = 'pequod.io/node' as const;
/** On children that we did not create: `found` or `adopted`. */
export const ORIGIN_ANNOTATION = 'pequod.io/origin' as const;
/** On children that stay when their node goes: `Orphan`. */
export const DELETION_ANNOTATION = 'pequod.io/deletion' as const;
/** On a Transform: a token; copied to `status.lastHandledReconcileAt` when the run it asked for is over. */
export const RECONCILE_ANNOTATION = 'pequod.io/reconcile' as const;
/** On a Transform that is only planned: the hash of the plan that is to be carried out. */
export const APPROVE_ANNOTATION = 'pequod.io/approve' as const;
/** On a child: `true` keeps it from being pruned, or deleted with its Transform. */
export const PRUNE_PROTECTION_ANNOTATION = 'pequod.io/prune-protection' as const;
/** On a child: a Go duration that it stays after it left the graph. */
export const PRUNE_GRACE_PERIOD_ANNOTATION = 'pequod.io/prune-grace-period' as const;
/** On a live object of a kind that holds data: `true` lets `recreate: OnImmutable` delete it. */
export const ALLOW_RECREATE_ANNOTATION = 'pequod.io/allow-recreate' as const;
/** On a ConfigMap: `true` where it holds a module, `input` where it holds input: its changes are noticed at once. */
export const MODULE_LABEL = 'pequod.io/module' as const;
/** On a Secret: the only hosts that its credentials may be sent to, `a.example,b.example:5000`. */
export const HOSTS_ANNOTATION = 'pequod.io/hosts' as const;

/** On a ControllerRevision: uid of the Transform that it is a revision of. */
export const TRANSFORM_UID_LABEL = 'pequod.io/transform-uid' as const;
/** On a ControllerRevision: the revision's number. */
export const REVISION_LABEL = 'pequod.io/revision' as const;
/** On a ControllerRevision: `true` where its graph was Ready at some time. */
export const READY_LABEL = 'pequod.io/ready' as const;
/** On a ControllerRevision: `true` where it holds what is planned, and is no part of the history. */
export const CANDIDATE_LABEL = 'pequod.io/candidate' as const;
/** On a ControllerRevision: hash of the nodes in it. */
export const RENDER_HASH_ANNOTATION = 'pequod.io/render-hash' as const;

/** Field managers of ours start with this; see `fieldManagerOf`. */
export const FIELD_MANAGER_PREFIX = 'pequod/' as const;
/** Owns the live value of an ignored field until someone else does. */
export const KEEP_FIELD_MANAGER = 'pequod/keep' as const;
/** What a field manager entry of ours is renamed to when an object is released. */
export const RELEASED_FIELD_MANAGER = 'pequod-released' as const;
/** Field manager of the operator's own writes to Transforms and ResourceGraphs. */
export const OPERATOR_FIELD_MANAGER = 'pequod-operator' as const;
