// What is attached to a digest, read as a claim that the digest is signed. A claim holds the bytes that were signed, and
// it is made only after these bytes have been found to be about the digest.
import { createHash } from 'node:crypto';
import { type Bundle, bundleFromJSON, toMessageSignatureBundle, ValidationError } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { HashAlgorithm } from '@sigstore/protobuf-specs';
import { type SignedEntity, toSignedEntity } from '@sigstore/verify';
import { messageOf } from '../errors.ts';
import { BUNDLE_MEDIA_TYPES } from './media-types.ts';
import { RejectedSignature } from './rejection.ts';
import { keylessMaterial, readSimpleSigning } from './simple-signing.ts';
import { checkStatement, quoted } from './statement.ts';

/** Of log entries, and of timestamps, in one bundle. Real ones have one or two. */
const MAX_PROOFS = 16;

/** A signature as it was found. */
export type Attached =
  | { readonly kind: 'bundle'; readonly name: string; readonly bytes: Uint8Array }
  | {
      readonly kind: 'simple';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly annotations: Readonly<Record<string, string>>;
    };

/** That a digest is signed; by whom is not known yet. */
export interface Claim {
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** With certificate, log entries and timestamps, for a signer without a key. @throws RejectedSignature */
  readonly entity: () => SignedEntity;
}

/**
 * @param readManifest the bytes of the manifest that has the digest
 * @throws RejectedSignature where it is about something else, or is not to be understood
 */
export async function readClaim(
  attached: Attached,
  digest: string,
  readManifest: () => Promise<Uint8Array>,
): Promise<Claim> {
  if (attached.kind === 'bundle') return await bundleClaim(readBundle(attached.bytes), digest, readManifest);
  const { payload, annotations } = attached;
  const signature = readSimpleSigning(payload, annotations, digest);
  const signed = Buffer.from(payload);
  return { signed, signature, entity: () => simpleEntity(signed, signature, annotations) };
}

async function bundleClaim(
  bundle: Bundle,
  digest: string,
  readManifest: () => Promise<Uint8Array>,
): Promise<Claim> {
  const { content } = bundle;
  if (content.$case === 'dsseEnvelope') {
    const { payload, payloadType, signatures } = content.dsseEnvelope;
    checkStatement(payloadType, payload, digest);
    return {
      signed: dsse.preAuthEncoding(payloadType, payload),
      signature: signatures[0]?.sig ?? Buffer.alloc(0),
      entity: () => entityOf(bundle),
    };
  }
  const { messageDigest, signature } = content.messageSignature;
  const claimed = messageDigest.digest.toString('hex');
  if (messageDigest.algorithm !== HashAlgorithm.SHA2_256 || `sha256:${claimed}` !== digest) {
    throw new RejectedSignature(`it signs another digest (${quoted(claimed)})`);
  }
  const signed = Buffer.from(await readManifest());
  return { signed, signature, entity: () => entityOf(bundle, signed) };
}

function readBundle(bytes: Uint8Array): Bundle {
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    const fields = error instanceof ValidationError ? `: ${error.fields.slice(0, 3).join(', ')}` : '';
    throw new RejectedSignature(`it is no sigstore bundle${fields}`, error);
  }
  if (!BUNDLE_MEDIA_TYPES.has(bundle.mediaType)) {
    throw new RejectedSignature(
      `it is a bundle of a version that is not known (${quoted(bundle.mediaType)})`,
    );
  }
  const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
  const timestamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (tlogEntries.length > MAX_PROOFS || timestamps.length > MAX_PROOFS) {
    throw new RejectedSignature(`it has more than ${MAX_PROOFS} log entries or timestamps`);
  }
  return bundle;
}

/** A signature in cosign's first format, with its certificate and log entry, as a bundle would have them. */
function simpleEntity(
  signed: Buffer,
  signature: Buffer,
  annotations: Readonly<Record<string, string>>,
): SignedEntity {
  const digest = createHash('sha256').update(signed).digest();
  const { certificate, tlogEntries, timestamps } = keylessMaterial(annotations);
  const bundle = toMessageSignatureBundle({ digest, signature, certificate, certificateChain: true });
  bundle.verificationMaterial.tlogEntries.push(...tlogEntries);
  bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps.push(...timestamps);
  return entityOf(bundle, signed);
}

function entityOf(bundle: Bundle, artifact?: Buffer): SignedEntity {
  try {
    return toSignedEntity(bundle, artifact);
  } catch (error) {
    throw new RejectedSignature(`its certificate or timestamp can't be read: ${messageOf(error, 80)}`, error);
  }
}
