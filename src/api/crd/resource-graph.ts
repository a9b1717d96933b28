import type {
  ConditionMatchPredicate,
  GraphMetadata,
  GraphNode,
  GraphPhase,
  Inventory,
  InventoryItem,
  NodeStatus,
  NodeStatuses,
  Origin,
  ReadinessPredicate,
  ResourceGraph,
  ResourceGraphSpec,
  ResourceGraphStatus,
  SourceReference,
} from '../resource-graph.ts';
import {
  array,
  boolean,
  integer,
  literals,
  map,
  type ObjectSchema,
  object,
  optional,
  type Rule,
  type Schema,
  string,
  union,
} from '../schema/index.ts';
import {
  blockedBy,
  conditions,
  deletionPolicy,
  duration,
  KUBE_OBJECT_SCHEMA,
  MAX_INVENTORY_ITEMS,
  MAX_MESSAGE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_NODES,
  nodeId,
  nodePhase,
  OBJECT_META_SCHEMA,
  observedGeneration,
  subdomain,
  text,
  time,
  violations,
} from './common.ts';

const IDENTITY_POINTERS = ['/apiVersion', '/kind', '/metadata', '/metadata/name', '/metadata/namespace'];

const POINTER: Rule<string> = {
  cel: "self.startsWith('/')",
  message: 'must be a JSON pointer, e.g. /spec/replicas',
  holds: (value) => value.startsWith('/'),
};

const NOT_IDENTITY: Rule<string> = {
  cel: `!(self in [${IDENTITY_POINTERS.map((pointer) => `'${pointer}'`).join(', ')}])`,
  message: 'must not be a part of what the object is known by: apiVersion, kind, name, namespace',
  holds: (value) => !IDENTITY_POINTERS.includes(value),
};

type PredicateOf<T extends ReadinessPredicate['type']> = Extract<ReadinessPredicate, { readonly type: T }>;

const timeout = optional(duration("Counted from the node's last apply. Default: 5m."));

const predicate: Schema<ReadinessPredicate> = union<ReadinessPredicate, 'type'>('type', {
  ConditionMatch: object<ConditionMatchPredicate>({
    type: literals<'ConditionMatch'>({ ConditionMatch: true }),
    conditionType: string({
      description: 'Type of the condition in status.conditions.',
      minLength: 1,
      maxLength: 316,
    }),
    conditionStatus: optional(
      literals<'True' | 'False' | 'Unknown'>(
        { True: true, False: true, Unknown: true },
        { description: 'Default: True.' },
      ),
    ),
    timeout,
  }),
  DeploymentAvailable: object<PredicateOf<'DeploymentAvailable'>>({
    type: literals<'DeploymentAvailable'>({ DeploymentAvailable: true }),
    timeout,
  }),
  StatefulSetReady: object<PredicateOf<'StatefulSetReady'>>({
    type: literals<'StatefulSetReady'>({ StatefulSetReady: true }),
    timeout,
  }),
  JobComplete: object<PredicateOf<'JobComplete'>>({
    type: literals<'JobComplete'>({ JobComplete: true }),
    timeout,
  }),
  Exists: object<PredicateOf<'Exists'>>({ type: literals<'Exists'>({ Exists: true }), timeout }),
});

/** One node of a graph. */
export const GRAPH_NODE_SCHEMA: ObjectSchema<GraphNode> = object<GraphNode>({
  id: nodeId('Unique in the graph.'),
  object: KUBE_OBJECT_SCHEMA,
  dependsOn: optional(
    array(nodeId('Id of a node.'), {
      description: 'Nodes that must be ready before this one is created.',
      maxItems: MAX_NODES,
      listType: 'atomic',
    }),
  ),
  deletionPolicy: optional(
    deletionPolicy(
      'What happens to the object when it is no longer wanted. Orphan wins wherever it is said.',
    ),
  ),
  ignoreFields: optional(
    array(string({ minLength: 1, maxLength: 512, rules: [POINTER, NOT_IDENTITY] }), {
      description:
        'JSON pointers to fields that someone else sets. They lead through members only, not into lists.',
      maxItems: 64,
      listType: 'atomic',
    }),
  ),
  readyWhen: optional(
    array(predicate, {
      description: "When the node counts as ready: all must hold. None: the kind's own rules decide.",
      maxItems: 16,
      listType: 'atomic',
    }),
  ),
});

/** `spec` of a ResourceGraph. */
export const RESOURCE_GRAPH_SPEC_SCHEMA: Schema<ResourceGraphSpec> = object<ResourceGraphSpec>(
  {
    sourceRef: object<SourceReference>(
      {
        kind: literals<'Transform'>({ Transform: true }),
        name: string({ minLength: 1, maxLength: MAX_NAME_LENGTH }),
        uid: string({ minLength: 1, maxLength: 64 }),
      },
      { description: 'The Transform that this graph belongs to, in the same namespace.' },
    ),
    metadata: object<GraphMetadata>(
      {
        name: optional(text(MAX_NAME_LENGTH, "The module's own name.")),
        version: optional(text(128, "The module's own version.")),
        platformRef: text(512, 'type:ref of the module, shortened.'),
        renderHash: text(128, 'Hash of the nodes.'),
        renderedAt: time('When these nodes were first rendered.'),
        digest: text(128, "Digest of the module's tree."),
      },
      { description: 'Where the nodes come from.' },
    ),
    nodes: array(GRAPH_NODE_SCHEMA, {
      description: 'The objects and how they depend on each other.',
      maxItems: MAX_NODES,
      listType: 'atomic',
    }),
    violations: optional(violations('Warnings that did not stop the render.')),
    serviceAccountName: subdomain('ServiceAccount whose rights touch the cluster.'),
    deletionPolicy: deletionPolicy('What happens to objects that are no longer wanted.'),
  },
  { description: 'The plan, written by the operator alone.' },
);

const nodeStatus: Schema<NodeStatuses> = map<NodeStatuses>(
  object<NodeStatus>({
    phase: nodePhase(),
    reason: optional(text(128, 'CamelCase reason.')),
    message: optional(text(MAX_MESSAGE_LENGTH, 'What it means, for people.')),
    lastError: optional(text(MAX_MESSAGE_LENGTH, 'What went wrong last.')),
    readyDetails: optional(text(MAX_MESSAGE_LENGTH, 'Why it is ready or not.')),
    attempts: optional(integer({ description: 'Failed tries in a row.', minimum: 0 })),
    nextAttemptAt: optional(time('Not tried again before.')),
    appliedAt: optional(time('When it was last applied with an effect.')),
    readyAt: optional(time('Since when it is ready.')),
    lastTransitionTime: optional(time('When the phase last changed.')),
  }),
  { description: 'State of the nodes by id.', maxProperties: MAX_NODES, mapType: 'atomic' },
);

const inventoryItem: Schema<InventoryItem> = object<InventoryItem>({
  nodeId: text(63, 'Node that it is or was.'),
  group: text(MAX_NAME_LENGTH, 'Empty for the core group.'),
  version: text(63, 'Version it was last applied in.'),
  kind: string({ minLength: 1, maxLength: 63 }),
  namespace: optional(text(MAX_NAME_LENGTH, 'Absent for cluster-scoped objects.')),
  name: string({ minLength: 1, maxLength: MAX_NAME_LENGTH }),
  uid: optional(text(64, 'Absent while only the intent is recorded.')),
  origin: literals<Origin>(
    { Created: true, Found: true },
    { description: 'Who brought it into being; found objects are never deleted.' },
  ),
  deletion: deletionPolicy('What happens when it is no longer wanted.'),
  wave: integer({
    description: 'Depth in the graph; deletion goes down to 0.',
    minimum: 0,
    maximum: MAX_NODES,
  }),
  sent: optional(text(64, 'Hash of the node as last sent.')),
  owned: optional(text(64, 'Hash of our fields in the response.')),
  rebuilt: optional(boolean({ description: 'Found again by label after the inventory was lost.' })),
});

/** `status` of a ResourceGraph. */
export const RESOURCE_GRAPH_STATUS_SCHEMA: Schema<ResourceGraphStatus> = object<ResourceGraphStatus>(
  {
    observedGeneration: optional(observedGeneration()),
    phase: optional(
      literals<GraphPhase>(
        { Pending: true, Executing: true, Ready: true, Failed: true },
        { description: 'How far the graph is. Failed is a report, not an end: slow retries go on.' },
      ),
    ),
    conditions: optional(conditions()),
    nodeStatus: optional(nodeStatus),
    inventory: optional(
      object<Inventory>(
        {
          graphUID: text(64, 'Uid of the graph that wrote it.'),
          items: array(inventoryItem, { maxItems: MAX_INVENTORY_ITEMS, listType: 'atomic' }),
        },
        { description: 'What this graph has, or may have, in the cluster.', mapType: 'atomic' },
      ),
    ),
    blockedBy: optional(blockedBy()),
    executedHash: optional(text(128, 'The renderHash that the node states speak of.')),
  },
  { description: 'What is the case.', default: { observedGeneration: -1 } },
);

/** A whole ResourceGraph. */
export const RESOURCE_GRAPH_SCHEMA: Schema<ResourceGraph> = object<ResourceGraph>({
  apiVersion: string(),
  kind: string(),
  metadata: OBJECT_META_SCHEMA,
  spec: RESOURCE_GRAPH_SPEC_SCHEMA,
  status: optional(RESOURCE_GRAPH_STATUS_SCHEMA),
});
