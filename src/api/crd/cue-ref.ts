// The reference to a module, its schema and the rules between its fields.
import type { JsonObject } from '../../json/index.ts';
import type {
  CueRef,
  CueRefType,
  LocalReference,
  ModuleDependency,
  ResolvedCueRef,
  SignerIdentity,
  Verification,
} from '../cue-ref.ts';
import { array, literals, object, optional, type Rule, type Schema, string } from '../schema/index.ts';
import { MAX_NAME_LENGTH, SUBDOMAIN_PATTERN, subdomain, text, time } from './common.ts';

/** Most dependencies that a status lists. */
export const MAX_DEPENDENCIES = 64;

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

/** `spec.cueRef` of a Transform. */
export const CUE_REF_SCHEMA: Schema<CueRef> = object<CueRef>(
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

/** `status.resolvedCueRef` of a Transform. */
export function resolvedCueRef(): Schema<ResolvedCueRef> {
  return object<ResolvedCueRef>(
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
  );
}
