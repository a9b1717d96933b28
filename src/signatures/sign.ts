// Signs a digest: a bundle that says what it is about, which cosign reads from version 3 on, and beside it, where that is
// asked for, the format that all versions of cosign read.
import { createHash } from 'node:crypto';
import { bundleToJSON, toDSSEBundle } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { isSourceError, SourceError } from '../errors.ts';
import type { Descriptor, Manifest, OciReference, RegistryWriter } from '../registry/index.ts';
import type { SignatureRegistry, SignedPlace } from './attachments.ts';
import {
  BUNDLE_MEDIA_TYPE,
  PREDICATE_ANNOTATION,
  SIGNATURE_ANNOTATION,
  SIMPLE_SIGNING_MEDIA_TYPE,
  signatureTag,
} from './media-types.ts';
import type { SigningKey } from './private-key.ts';
import { simpleSigningPayload } from './simple-signing.ts';
import { SIGNATURE_PREDICATE_TYPE, STATEMENT_PAYLOAD_TYPE, signatureStatement } from './statement.ts';

const MANIFEST_MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const EMPTY_MEDIA_TYPE = 'application/vnd.oci.empty.v1+json';
const CONFIG_MEDIA_TYPE = 'application/vnd.oci.image.config.v1+json';

/** What is asked of a registry to sign. */
export type SigningRegistry = SignatureRegistry & RegistryWriter;

export interface SignOptions {
  /** Also in cosign's first format, under a tag. */
  readonly isClassic?: boolean | undefined;
  readonly now: Date;
}

/** As a manifest lists it. */
type Layer = Pick<Descriptor, 'digest' | 'mediaType' | 'size'> & {
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Attaches a signature to a digest. @throws SourceError */
export async function signDigest(
  registry: SigningRegistry,
  place: SignedPlace,
  key: SigningKey,
  { isClassic = false, now }: SignOptions,
  signal: AbortSignal,
): Promise<void> {
  const { reference, digest, access } = place;
  const { host, repository } = reference;
  const signed = await registry.resolve({ host, repository, digest }, access, signal);
  if (signed.digest !== digest) {
    throw new SourceError('SOURCE_INVALID', `${digest} is an index: sign its manifest, ${signed.digest}`);
  }
  await attachBundle(registry, place, signed, signedBundle(digest, key), now, signal);
  if (isClassic) await addToTag(registry, place, key, signal);
}

function signedBundle(digest: string, { publicKey, sign }: SigningKey): Buffer {
  const artifact = signatureStatement(digest);
  const signature = sign(dsse.preAuthEncoding(STATEMENT_PAYLOAD_TYPE, artifact));
  const der = publicKey.key.export({ type: 'spki', format: 'der' });
  const keyHint = createHash('sha256').update(der).digest('base64');
  const bundle = toDSSEBundle({ artifact, artifactType: STATEMENT_PAYLOAD_TYPE, signature, keyHint });
  // The hint is not the key's id in the envelope: cosign passes over a signature whose id is not the one it computes.
  for (const each of bundle.content.dsseEnvelope.signatures) each.keyid = '';
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)));
}

async function attachBundle(
  registry: SigningRegistry,
  { reference, access }: SignedPlace,
  signed: Manifest,
  bundle: Buffer,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const config = await registry.pushBlob(reference, Buffer.from('{}'), access, signal);
  const layer = await registry.pushBlob(reference, bundle, access, signal);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_MEDIA_TYPE,
    artifactType: BUNDLE_MEDIA_TYPE,
    config: { mediaType: EMPTY_MEDIA_TYPE, ...config },
    layers: [{ mediaType: BUNDLE_MEDIA_TYPE, ...layer }],
    subject: { mediaType: signed.mediaType, digest: signed.digest, size: signed.body.byteLength },
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      [PREDICATE_ANNOTATION]: SIGNATURE_PREDICATE_TYPE,
      'org.opencontainers.image.created': `${now.toISOString().slice(0, 19)}Z`,
    },
  };
  await pushManifest(registry, untagged(reference), manifest, access, signal);
}

/** There is no way to add to a tag that another signer writes at the same time: the last one wins. */
async function addToTag(
  registry: SigningRegistry,
  { reference, digest, access }: SignedPlace,
  key: SigningKey,
  signal: AbortSignal,
): Promise<void> {
  const tagged = { ...untagged(reference), tag: signatureTag(digest) };
  const before = await signaturesAt(registry, tagged, access, signal);
  const payload = simpleSigningPayload(digest, `${reference.host}/${reference.repository}`);
  const layer: Layer = {
    mediaType: SIMPLE_SIGNING_MEDIA_TYPE,
    ...(await registry.pushBlob(reference, payload, access, signal)),
    annotations: { [SIGNATURE_ANNOTATION]: key.sign(payload).toString('base64') },
  };
  const layers = [...before, layer];
  const image = {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map((each) => each.digest) },
  };
  const config = await registry.pushBlob(reference, Buffer.from(JSON.stringify(image)), access, signal);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_MEDIA_TYPE,
    config: { mediaType: CONFIG_MEDIA_TYPE, ...config },
    layers,
  };
  await pushManifest(registry, tagged, manifest, access, signal);
}

async function signaturesAt(
  registry: SigningRegistry,
  tagged: OciReference,
  access: SignedPlace['access'],
  signal: AbortSignal,
): Promise<readonly Layer[]> {
  try {
    const { value } = await registry.resolve(tagged, access, signal);
    return value.layers.map(({ mediaType, digest, size, annotations }) => ({
      mediaType,
      digest,
      size,
      annotations,
    }));
  } catch (error) {
    if (isSourceError(error, 'SOURCE_NOT_FOUND')) return [];
    throw error;
  }
}

async function pushManifest(
  registry: SigningRegistry,
  reference: OciReference,
  manifest: { readonly mediaType: string },
  access: SignedPlace['access'],
  signal: AbortSignal,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(manifest));
  await registry.pushManifest(reference, { mediaType: manifest.mediaType, body }, access, signal);
}

function untagged({ host, repository }: OciReference): OciReference {
  return { host, repository };
}
