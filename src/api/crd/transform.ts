import type { JsonObject } from '../../json/index.ts';
import {
  array,
  boolean,
  freeForm,
  integer,
  literals,
  map,
  object,
  optional,
  type Rule,
  type Schema,
  string,
} from '../schema/index.ts';
import type {
  AppliedModule,
  CueRef,
  CueRefType,
  InputSource,
  LiveRenders,
  LocalReference,
  ModuleDependency,
  ResolvedCueRef,
  ResourceGraphReference,
  RevisionPin,
  SignerIdentity,
  Transform,
  TransformNodeStatus,
  TransformNodes,
  TransformSpec,
  TransformStatus,
  Verification,
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
  SUBDOMAIN_PATTERN,
  subdomain,
  text,
  time,
  violations,
} from './common.ts';
import { executionPlan } from './execution-plan.ts';
import { adoption, driftPolicy, healthCheck, progressDeadline, prunePolicy, suspend } from './policies.ts';

/** Longest module text in a Transform. */
export const MAX_INLINE_LENGTH: number = 256 * 1024;

const NOT_BLANK: Rule<string> = {
  cel: "self.trim() != ''",
  message: 'must not be blank',
  holds: (value) => value.trim() !== '',
};

const RELATIVE: Rule<string> = {
  cel: "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
  message: "must be relative to the module's root, without ..",
  holds: (value) => !value.startsWith('/') && !value.split('/').includes('..'),
};

const subdomainMatcher = new RegExp(SUBDOMAIN_PATTERN);

const CONFIG_MAP_NAME: Rule<JsonObject> = {
  cel: `self.type != 'configmap' || (self.ref.size() <= ${MAX_NAME_LENGTH} && self.ref.matches('${SUBDOMAIN_PATTERN.replaceAll('\\', '\\\\')}'))`,
  message: "type configmap: must be the name of a ConfigMap in the Transform's namespace",
  field: 'ref',
  holds: ({ type, ref }) =>
    type !== 'configmap' ||
    (typeof ref === 'string' && ref.length <= MAX_NAME_LENGTH && subdomainMatcher.test(ref)),
};

const EMBEDDED_NAME: Rule<JsonObject> = {
  cel: `self.type != 'embedded' || (self.ref.size() <= ${MAX_NAME_LENGTH} && self.ref.matches('^\\\\S+$'))`,
  message: 'type embedded: must be the name of a platform type that ships with the operator',
  field: 'ref',
  holds: ({ type, ref }) =>
    type !== 'embedded' ||
    (typeof ref === 'string' && ref.length <= MAX_NAME_LENGTH && /^[^\t\n\f\r ]+$/.test(ref)),
};

const OCI_REFERENCE: Rule<JsonObject> = {
  cel: "self.type != 'oci' || (self.ref.size() <= 1024 && self.ref.startsWith('oci://'))",
  message: 'type oci: must be oci://host/repository, with :tag or @sha256:… behind it',
  field: 'ref',
  holds: ({ type, ref }) =>
    type !== 'oci' || (typeof ref === 'string' && ref.length <= 1024 && ref.startsWith('oci://')),
};

const GIT_REFERENCE: Rule<JsonObject> = {
  cel: "self.type != 'git' || (self.ref.size() <= 2048 && self.ref.matches('^(https?://|ssh://|[^/:@]+@[^/:@]+:)'))",
  message: 'type git: must be https://…, ssh://… or user@host:path',
  field: 'ref',
  holds: ({ type, ref }) =>
    type !== 'git' ||
    (typeof ref === 'string' && ref.length <= 2048 && /^(https?:\/\/|ssh:\/\/|[^/:@]+@[^/:@]+:)/.test(ref)),
};

const OCI_ONLY: Rule<JsonObject> = {
  cel: "self.type == 'oci' || !(has(self.semver) || has(self.verify))",
  message: 'semver and verify are for type oci',
  holds: ({ type, semver, verify }) => type === 'oci' || (semver === undefined && verify === undefined),
};

const REMOTE_ONLY: Rule<JsonObject> = {
  cel: "self.type in ['oci', 'git'] || !(has(self.pullSecretRef) || has(self.certSecretRef))",
  message: 'pullSecretRef and certSecretRef are for types oci and git',
  holds: ({ type, pullSecretRef, certSecretRef }) =>
    type === 'oci' || type === 'git' || (pullSecretRef === undefined && certSecretRef === undefined),
};

const ONE_SIGNER: Rule<JsonObject> = {
  cel: 'has(self.secretRef) != has(self.identities)',
  message: 'must have either secretRef or identities',
  holds: ({ secretRef, identities }) => (secretRef === undefined) !== (identities === undefined),
};

function secretReference(description: string): Schema<LocalReference> {
  return object<LocalReference>({ name: subdomain('Its name.') }, { description });
}

const verification: Schema<Verification> = object<Verification>(
  {
    provider: literals<'cosign'>({ cosign: true }),
    secretRef: optional(
      secretReference("Secret in the Transform's namespace; keys that end in .pub hold public keys in PEM."),
    ),
    identities: optional(
      array(
        object<SignerIdentity>({
          issuer: string({ description: "Issuer of the signer's token.", minLength: 1, maxLength: 512 }),
          subject: string({
            description: 'What the issuer calls the signer: an email address, or the URI of a workflow.',
            minLength: 1,
            maxLength: 512,
          }),
        }),
        {
          description: 'Any of these, with certificates of the trusted root that the operator was given.',
          minItems: 1,
          maxItems: 16,
          listType: 'atomic',
        },
      ),
    ),
  },
  { description: 'The signature that the module must have.', rules: [ONE_SIGNER] },
);

const cueRef: Schema<CueRef> = object<CueRef>(
  {
    type: literals<CueRefType>(
      { configmap: true, embedded: true, git: true, inline: true, oci: true },
      { description: 'Where the module is.' },
    ),
    ref: string({
      description:
        'oci: oci://host/repository, with :tag or @sha256:… behind it. git: an https or ssh URL, or user@host:path, ' +
        "with ?ref= and ?path=. configmap: name of a ConfigMap in the Transform's namespace. " +
        'inline: CUE source text. embedded: name of a platform type that ships with the operator.',
      minLength: 1,
      maxLength: MAX_INLINE_LENGTH,
      rules: [NOT_BLANK],
    }),
    path: optional(
      string({
        description: "Folder of the package within the module's tree. Default: the root.",
        minLength: 1,
        maxLength: 512,
        rules: [RELATIVE],
      }),
    ),
    semver: optional(
      string({
        description: 'oci: the highest tag in this range of semantic versions.',
        minLength: 1,
        maxLength: 256,
      }),
    ),
    pullSecretRef: optional(
      secretReference("Secret in the Transform's namespace with credentials for oci or git."),
    ),
    certSecretRef: optional(
      secretReference("Secret in the Transform's namespace with ca.crt, and perhaps tls.crt and tls.key."),
    ),
    verify: optional(verification),
  },
  {
    description: 'The CUE module to render.',
    rules: [CONFIG_MAP_NAME, EMBEDDED_NAME, OCI_REFERENCE, GIT_REFERENCE, OCI_ONLY, REMOTE_ONLY],
  },
);

/** Most dependencies that a status lists. */
export const MAX_DEPENDENCIES = 64;

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
    cueRef,
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
    resolvedCueRef: optional(
      object<ResolvedCueRef>(
        {
          digest: text(128, "Digest of the module's tree, manifest or commit."),
          revision: optional(text(512, "The source's own name for that state.")),
          fetchedAt: time('When this digest was first seen.'),
          signer: optional(text(512, 'Who signed it, where that was asked for.')),
          dependencies: optional(
            array(
              object<ModuleDependency>({
                module: text(512, 'With its major version.'),
                version: text(128, 'The version that was chosen.'),
                digest: optional(text(128, 'Of its manifest.')),
              }),
              { description: 'The modules that it imports.', maxItems: MAX_DEPENDENCIES, listType: 'atomic' },
            ),
          ),
        },
        { description: 'What the reference resolved to when it was last looked at.' },
      ),
    ),
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
