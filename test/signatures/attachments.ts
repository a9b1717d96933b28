// Signatures as clients attach them, written without the code that is tested, so that every part of them can be wrong.
import type { MemoryRegistry } from './memory-registry.ts';
import type { KeylessOptions, KeylessSignature, TestSigstore } from './sigstore.ts';

export const STATEMENT = 'application/vnd.in-toto+json';
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const SIMPLE_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** What a signature of an envelope is made over. */
export function preAuthEncoding(payloadType: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

export function statement(digest: string, changes: object = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
      ...changes,
    }),
  );
}

export function simplePayload(digest: string, type = 'cosign container image signature'): Buffer {
  const identity = { 'docker-reference': 'registry.test/team/web' };
  const image = { 'docker-manifest-digest': digest };
  return Buffer.from(JSON.stringify({ critical: { identity, image, type }, optional: null }));
}

/** The JSON of a bundle with an envelope. */
export function bundle(
  payload: Buffer,
  signature: Buffer,
  keyless?: Omit<KeylessSignature, 'signature'>,
  payloadType: string = STATEMENT,
): Record<string, unknown> {
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: material(keyless),
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType,
      signatures: [{ sig: signature.toString('base64') }],
    },
  };
}

/** The JSON of a bundle that signs bare bytes. */
export function messageBundle(
  digest: string,
  signature: Buffer,
  keyless?: Omit<KeylessSignature, 'signature'>,
): Record<string, unknown> {
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: material(keyless),
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: Buffer.from(digest.slice(7), 'hex').toString('base64'),
      },
      signature: signature.toString('base64'),
    },
  };
}

/** A bundle by an identity. */
export function keylessBundle(
  sigstore: TestSigstore,
  digest: string,
  options: KeylessOptions = {},
): Record<string, unknown> {
  const payload = statement(digest);
  const signed = sigstore.signEnvelope(STATEMENT, payload, options);
  return bundle(payload, signed.signature, signed);
}

function material(keyless: Omit<KeylessSignature, 'signature'> | undefined): object {
  if (keyless === undefined) return { publicKey: { hint: 'a-key' } };
  return {
    certificate: { rawBytes: keyless.certificate.toString('base64') },
    tlogEntries: keyless.entries,
    timestampVerificationData: {
      rfc3161Timestamps: keyless.timestamps.map((der) => ({ signedTimestamp: der.toString('base64') })),
    },
  };
}

/** What a test may say otherwise about where a bundle is. */
export interface AttachOptions {
  readonly artifactType?: string;
  readonly layerType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Attaches a bundle to a digest; says the digest of the manifest that does. */
export function attachBundle(
  registry: MemoryRegistry,
  digest: string,
  content: object | string | Uint8Array,
  { artifactType = BUNDLE_TYPE, layerType = BUNDLE_TYPE, annotations = {} }: AttachOptions = {},
): string {
  const bytes =
    content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return registry.putManifest({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...registry.putBlob(Buffer.from('{}')) },
    layers: [{ mediaType: layerType, ...registry.putBlob(bytes) }],
    subject: { mediaType: MANIFEST_TYPE, digest, size: 1 },
    annotations,
  });
}

export interface SimpleSignature {
  readonly payload: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Puts signatures in cosign's first format under the tag of a digest. */
export function attachSimple(
  registry: MemoryRegistry,
  digest: string,
  signatures: readonly SimpleSignature[],
): void {
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      ...registry.putBlob(Buffer.from('{}')),
    },
    layers: signatures.map(({ payload, annotations }) => ({
      mediaType: SIMPLE_TYPE,
      ...registry.putBlob(payload),
      annotations,
    })),
  };
  registry.putManifest(manifest, `${digest.replace(':', '-')}.sig`);
}
