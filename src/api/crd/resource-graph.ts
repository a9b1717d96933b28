import type { JsonObject } from '../../json/index.ts';
import type {
  ApplyMode,
  ApplyPolicy,
  DriftRecord,
  Execution,
  ExportExpressions,
  ExportedValue,
  GraphMetadata,
  GraphNode,
  GraphPhase,
  GraphTransition,
  Inventory,
  InventoryItem,
  NodeExports,
  NodeStatus,
  NodeStatuses,
  Origin,
  PlanPolicies,
  ResourceGraph,
  ResourceGraphSpec,
  ResourceGraphStatus,
  SourceReference,
} from '../resource-graph.ts';
import {
  anyValue,
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
} from '../schema/index.ts';
import {
  blockedBy,
  celExpression,
  conditions,
  deletionPolicy,
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
import { executionPlan } from './execution-plan.ts';
import { adoption, driftPolicy, healthCheck, progressDeadline, prunePolicy, suspend } from './policies.ts';
import { PREDICATE_SCHEMA } from './predicate.ts';

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

const ONE_VALUE: Rule<JsonObject> = {
  cel: 'has(self.object) != has(self.waitsFor)',
  message: 'must have either an object or what it waits for',
  holds: ({ object, waitsFor }) => (object === undefined) !== (waitsFor === undefined),
};

const applyPolicy: Schema<ApplyPolicy> = object<ApplyPolicy>(
  {
    mode: optional(
      literals<ApplyMode>(
        { Apply: true, Create: true, Adopt: true },
        {
          description:
            'Apply: kept as the node says. Create: made where it is missing, never touched again. ' +
            'Adopt: an existing object is taken over. Default: Apply.',
        },
      ),
    ),
    conflictPolicy: optional(
      literals<'Error' | 'Force'>(
        { Error: true, Force: true },
        { description: 'Fields that others hold: an error, or taken. Default: Error.' },
      ),
    ),
    recreate: optional(
      literals<'Never' | 'OnImmutable'>(
        { Never: true, OnImmutable: true },
        {
          description: "Fields that can't be changed: an error, or the object is made again. Default: Never.",
        },
      ),
    ),
  },
  { description: 'How the object is written.' },
);

/** One node of a graph. */
export const GRAPH_NODE_SCHEMA: ObjectSchema<GraphNode> = object<GraphNode>(
  {
    id: nodeId('Unique in the graph.'),
    object: optional(KUBE_OBJECT_SCHEMA),
    waitsFor: optional(
      array(text(512, 'A path, e.g. observed.db.host.'), {
        description: 'Live values without which the object is not known.',
        minItems: 1,
        maxItems: 64,
        listType: 'atomic',
      }),
    ),
    applyPolicy: optional(applyPolicy),
    exports: optional(
      map<ExportExpressions>(celExpression('CEL over object.'), {
        description: 'Values of the live object that other nodes may read.',
        maxProperties: 32,
        mapType: 'atomic',
      }),
    ),
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
      array(PREDICATE_SCHEMA, {
        description: "When the node counts as ready: all must hold. None: the kind's own rules decide.",
        maxItems: 16,
        listType: 'atomic',
      }),
    ),
  },
  { rules: [ONE_VALUE] },
);

const planPolicies: Schema<PlanPolicies> = object<PlanPolicies>(
  {
    serviceAccountName: subdomain('ServiceAccount whose rights touch the cluster.'),
    deletionPolicy: deletionPolicy('What happens to objects that are no longer wanted.'),
    prunePolicy: optional(prunePolicy()),
    drift: optional(driftPolicy()),
    suspend: optional(suspend()),
    adopt: optional(adoption()),
    healthCheck: optional(healthCheck()),
    progressDeadline: optional(progressDeadline()),
  },
  { description: 'Policies that the planned nodes would run under.' },
);

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
        revision: optional(integer({ description: 'Number of the revision.', minimum: 1 })),
        sourceKey: optional(text(128, 'Hash of all that was rendered besides live values.')),
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
    prunePolicy: optional(prunePolicy()),
    drift: optional(driftPolicy()),
    suspend: optional(suspend()),
    adopt: optional(adoption()),
    healthCheck: optional(healthCheck()),
    progressDeadline: optional(progressDeadline()),
    planRevision: optional(subdomain('ControllerRevision to plan for.')),
    planPolicies: optional(planPolicies),
    approvedPlan: optional(text(128, 'Hash of the plan that was approved.')),
  },
  { description: 'The plan, written by the operator alone.' },
);

const exportedValues: Schema<NodeExports> = map<NodeExports>(
  object<ExportedValue>({
    value: optional(anyValue({ description: 'Absent while it was never seen, or is lost.' })),
    exprHash: text(64, 'Hash of the expression.'),
    uid: text(64, 'Of the object that it came from.'),
    lostAt: optional(time('Since when a value that was published is gone.')),
    message: optional(text(MAX_MESSAGE_LENGTH, 'Why there is no value.')),
  }),
  { description: 'Values that other nodes may read.', maxProperties: 32 },
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
    adopted: optional(boolean({ description: 'The object was there and was taken over.' })),
    previousManagers: optional(
      array(text(256, 'Field manager and operation.'), {
        description: 'Who held fields of an adopted object before.',
        maxItems: 32,
        listType: 'atomic',
      }),
    ),
    exports: optional(exportedValues),
    setbacks: optional(
      integer({ description: 'Times in a row that it was ready and did not stay so.', minimum: 0 }),
    ),
    quarantinedUntil: optional(time('Repairs slow down until then.')),
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
    { Adopted: true, Created: true, Found: true },
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
  ownedPaths: optional(text(64, 'Hash of their paths alone.')),
  rebuilt: optional(boolean({ description: 'Found again by label after the inventory was lost.' })),
  prunableSince: optional(time('Since when it could be pruned.')),
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
    execution: optional(
      object<Execution>(
        { renderHash: text(128, 'The nodes.'), startedAt: time('When they were first taken up.') },
        {
          description: 'The change that is under way, until all nodes are ready with it.',
          mapType: 'atomic',
        },
      ),
    ),
    readyRevision: optional(integer({ description: 'The last revision that was ready.', minimum: 1 })),
    executedAt: optional(time('When these nodes were first all applied.')),
    history: optional(
      array(
        object<GraphTransition>({
          time: time('When.'),
          reason: text(128, 'CamelCase reason.'),
          message: text(512, 'What happened.'),
        }),
        { description: 'The newest notable transitions, oldest first.', maxItems: 10, listType: 'atomic' },
      ),
    ),
    lastDrift: optional(
      object<DriftRecord>(
        {
          time: time('When it was repaired.'),
          nodeId: text(63, 'Node of the object.'),
          object: text(1024, 'Kind, namespace and name.'),
          fields: optional(
            array(text(512, 'A field.'), {
              description: 'What was changed; none where the object was gone.',
              maxItems: 16,
              listType: 'atomic',
            }),
          ),
          manager: optional(text(256, 'Field manager that changed them.')),
        },
        { description: 'The last repair. Written at most once a minute.', mapType: 'atomic' },
      ),
    ),
    plan: optional(executionPlan()),
    lastHandledReconcileAt: optional(
      text(MAX_MESSAGE_LENGTH, 'The pequod.io/reconcile token of the last run that is over.'),
    ),
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
