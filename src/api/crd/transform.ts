import {
  array,
  boolean,
  freeForm,
  integer,
  literals,
  map,
  object,
  optional,
  type Schema,
  string,
} from '../schema/index.ts';
import type {
  AppliedModule,
  InputSource,
  LiveRenders,
  ResourceGraphReference,
  RevisionPin,
  Transform,
  TransformNodeStatus,
  TransformNodes,
  TransformSpec,
  TransformStatus,
} from '../transform.ts';
import {
  blockedBy,
  conditions,
  deletionPolicy,
  duration,
  MAX_MESSAGE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_NODES,
  nodePhase,
  OBJECT_META_SCHEMA,
  observedGeneration,
  subdomain,
  text,
  time,
  violations,
} from './common.ts';
import { CUE_REF_SCHEMA, resolvedCueRef } from './cue-ref.ts';
import { executionPlan } from './execution-plan.ts';
import { adoption, driftPolicy, healthCheck, progressDeadline, prunePolicy, suspend } from './policies.ts';

const inputSource: Schema<InputSource> = object<InputSource>({
  kind: literals<'ConfigMap'>({ ConfigMap: true }),
  name: subdomain("ConfigMap in the Transform's namespace."),
  key: string({
    description: 'Key whose text is a value in YAML or JSON.',
    minLength: 1,
    maxLength: MAX_NAME_LENGTH,
    pattern: '^[-._a-zA-Z0-9]+$',
  }),
  targetPath: optional(
    string({
      description: 'Dotted path in the input that the value goes to. Default: the input itself.',
      minLength: 1,
      maxLength: 512,
      pattern: '^[^.]+(\\.[^.]+)*$',
    }),
  ),
  optional: optional(boolean({ description: 'Passed over where it is missing.' })),
});

/** `spec` of a Transform. */
export const TRANSFORM_SPEC_SCHEMA: Schema<TransformSpec> = object<TransformSpec>(
  {
    cueRef: CUE_REF_SCHEMA,
    input: optional(
      freeForm({ description: "Input of the module, validated by the module's #Input.", mapType: 'atomic' }),
    ),
    serviceAccountName: optional(
      subdomain("ServiceAccount in the Transform's namespace whose rights touch the cluster."),
    ),
    deletionPolicy: optional(
      deletionPolicy('What happens to objects that are no longer wanted. Default: Delete.'),
    ),
    interval: optional(
      duration('How often a tag, branch or unlabelled ConfigMap is looked at again. Default: 5m.'),
    ),
    inputFrom: optional(
      array(inputSource, {
        description: 'Values from ConfigMaps, laid under input in this order.',
        maxItems: 16,
        listType: 'atomic',
      }),
    ),
    adopt: optional(adoption()),
    prunePolicy: optional(prunePolicy()),
    drift: optional(driftPolicy()),
    progressDeadline: optional(progressDeadline()),
    suspend: optional(suspend()),
    dryRun: optional(boolean({ description: 'Plan only; approved by the hash of the plan.' })),
    rollbackTo: optional(integer({ description: 'Revision to run until this is taken away.', minimum: 1 })),
    rollbackOnFailure: optional(
      boolean({ description: 'After a failure run the last revision that was ready.' }),
    ),
    revisionHistoryLimit: optional(
      integer({
        description: 'Revisions kept besides the running one. Default: 10.',
        minimum: 1,
        maximum: 100,
      }),
    ),
    healthCheck: optional(healthCheck()),
    ttl: optional(
      duration('Delete the Transform this long after it was first ready, or after its progress deadline.'),
    ),
  },
  { description: 'What is wanted.' },
);

const nodes: Schema<TransformNodes> = map<TransformNodes>(
  object<TransformNodeStatus>({
    phase: nodePhase(),
    lastError: optional(text(MAX_MESSAGE_LENGTH, 'What went wrong last.')),
    readyDetails: optional(text(MAX_MESSAGE_LENGTH, 'Why it is ready or not.')),
  }),
  { description: "State of the graph's nodes by id.", maxProperties: MAX_NODES, mapType: 'atomic' },
);

/** `status` of a Transform. */
export const TRANSFORM_STATUS_SCHEMA: Schema<TransformStatus> = object<TransformStatus>(
  {
    observedGeneration: optional(observedGeneration()),
    lastHandledReconcileAt: optional(
      text(
        MAX_MESSAGE_LENGTH,
        'The pequod.io/reconcile token of the last run that was asked for and is over.',
      ),
    ),
    resourceGraphRef: optional(
      object<ResourceGraphReference>(
        { name: text(MAX_NAME_LENGTH, 'Its name.'), uid: text(64, 'Its uid.') },
        { description: "The ResourceGraph, in the Transform's namespace." },
      ),
    ),
    renderKey: optional(text(128, 'Hash of everything that the last render depended on.')),
    renderReads: optional(
      array(text(512, 'A path.'), {
        description: 'Paths of context and observed that the module refers to.',
        maxItems: 256,
        listType: 'atomic',
      }),
    ),
    resolvedCueRef: optional(resolvedCueRef()),
    applied: optional(
      object<AppliedModule>(
        {
          digest: text(128, "Digest of the module's tree."),
          revision: optional(text(512, "The source's own name for that state.")),
          renderHash: text(128, "Hash of the graph's nodes."),
        },
        { description: 'What the running graph was rendered from.' },
      ),
    ),
    conditions: optional(conditions()),
    violations: optional(violations('What the schema, the module or a policy says against this Transform.')),
    nodes: optional(nodes),
    blockedBy: optional(blockedBy()),
    readyNodes: optional(text(32, 'How many nodes are ready, of how many.')),
    currentRevision: optional(integer({ description: 'Number of the revision that runs.', minimum: 1 })),
    pin: optional(
      object<RevisionPin>(
        {
          revision: integer({ minimum: 1 }),
          generation: integer({ description: 'Generation that it holds for.' }),
          digest: text(128, 'Digest of the module that it holds for.'),
          reason: literals<RevisionPin['reason']>({ RollbackOnFailure: true, RollbackTo: true }),
          message: optional(text(MAX_MESSAGE_LENGTH, 'Which revision failed, and of what.')),
        },
        { description: 'What keeps an earlier revision running.' },
      ),
    ),
    plan: optional(executionPlan()),
    firstReadyAt: optional(time('What ttl counts from.')),
    liveRenders: optional(
      object<LiveRenders>(
        {
          generation: integer({ description: 'Generation that they belong to.' }),
          digest: text(128, 'Digest of the module that they belong to.'),
          question: text(128, 'The renderKey apart from live values.'),
          hashes: array(text(128, 'A renderHash.'), { maxItems: 16, listType: 'atomic' }),
        },
        { description: 'Graphs that differ by live values only, newest last.' },
      ),
    ),
  },
  { description: 'What is the case.', default: { observedGeneration: -1 } },
);

/** A whole Transform. */
export const TRANSFORM_SCHEMA: Schema<Transform> = object<Transform>({
  apiVersion: string(),
  kind: string(),
  metadata: OBJECT_META_SCHEMA,
  spec: TRANSFORM_SPEC_SCHEMA,
  status: optional(TRANSFORM_STATUS_SCHEMA),
});
