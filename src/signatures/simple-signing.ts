// cosign's first format: the signed bytes are a small JSON document that names the digest, the signature and all that
// proves who made it are in annotations beside it.
import type { Bundle } from '@sigstore/bundle';
import { pem } from '@sigstore/core';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import { SIGNATURE_ANNOTATION } from './media-types.ts';
import { RejectedSignature } from './rejection.ts';
import { quoted, readJson } from './statement.ts';

const PAYLOAD_TYPE = 'cosign container image signature';

const CERTIFICATE_ANNOTATION = 'dev.sigstore.cosign/certificate';
const LOG_ENTRY_ANNOTATION = 'dev.sigstore.cosign/bundle';
const TIMESTAMP_ANNOTATION = 'dev.sigstore.cosign/rfc3161timestamp';

type LogEntry = Bundle['verificationMaterial']['tlogEntries'][number];
type Annotations = Readonly<Record<string, string>>;

/** What proves who signed without a key, and when. */
export interface KeylessMaterial {
  readonly certificate: Buffer;
  readonly tlogEntries: readonly LogEntry[];
  readonly timestamps: readonly { readonly signedTimestamp: Buffer }[];
}

/** The bytes that name a digest in this format. */
export function simpleSigningPayload(digest: string, repository: string): Buffer {
  const payload = {
    critical: {
      identity: { 'docker-reference': repository },
      image: { 'docker-manifest-digest': digest },
      type: PAYLOAD_TYPE,
    },
    optional: null,
  };
  return Buffer.from(JSON.stringify(payload));
}

/** The signature. @throws RejectedSignature where what it signs is not this digest. */
export function readSimpleSigning(payload: Uint8Array, annotations: Annotations, digest: string): Buffer {
  const document = readJson(payload);
  const critical = objectIn(document, 'critical');
  if (critical['type'] !== PAYLOAD_TYPE) {
    throw new RejectedSignature(
      `its payload is of type ${quoted(critical['type'])}, not a signature by cosign`,
    );
  }
  const signedDigest = objectIn(critical, 'image')['docker-manifest-digest'];
  if (signedDigest !== digest)
    throw new RejectedSignature(`it signs another digest (${quoted(signedDigest)})`);
  const signature = Buffer.from(annotations[SIGNATURE_ANNOTATION] ?? '', 'base64');
  if (signature.length === 0) throw new RejectedSignature(`it has no annotation ${SIGNATURE_ANNOTATION}`);
  return signature;
}

/** @throws RejectedSignature where there is no certificate, or what is beside it is not to be understood. */
export function keylessMaterial(annotations: Annotations): KeylessMaterial {
  const certificate = annotations[CERTIFICATE_ANNOTATION] ?? '';
  if (certificate === '') throw new RejectedSignature('it was made with a key, not by an identity');
  return {
    certificate: pem.toDER(certificate),
    tlogEntries: logEntries(annotations[LOG_ENTRY_ANNOTATION]),
    timestamps: timestamps(annotations[TIMESTAMP_ANNOTATION]),
  };
}

function logEntries(annotation: string | undefined): readonly LogEntry[] {
  if (annotation === undefined || annotation === '') return [];
  const entry = readJson(Buffer.from(annotation));
  const payload = objectIn(entry, 'Payload');
  const canonicalizedBody = Buffer.from(textIn(payload, 'body'), 'base64');
  const body = readJson(canonicalizedBody);
  return [
    {
      logIndex: numberIn(payload, 'logIndex'),
      logId: { keyId: Buffer.from(textIn(payload, 'logID'), 'hex') },
      kindVersion: { kind: textIn(body, 'kind'), version: textIn(body, 'apiVersion') },
      integratedTime: numberIn(payload, 'integratedTime'),
      inclusionPromise: {
        signedEntryTimestamp: Buffer.from(textIn(entry, 'SignedEntryTimestamp'), 'base64'),
      },
      inclusionProof: undefined,
      canonicalizedBody,
    },
  ];
}

function timestamps(annotation: string | undefined): readonly { readonly signedTimestamp: Buffer }[] {
  if (annotation === undefined || annotation === '') return [];
  const text = textIn(readJson(Buffer.from(annotation)), 'SignedRFC3161Timestamp');
  return [{ signedTimestamp: Buffer.from(text, 'base64') }];
}

function objectIn(value: JsonValue, key: string): JsonObject {
  const found = isJsonObject(value) ? value[key] : undefined;
  if (isJsonObject(found)) return found;
  throw new RejectedSignature(`it is not to be understood: no ${key}`);
}

function textIn(value: JsonValue, key: string): string {
  const found = isJsonObject(value) ? value[key] : undefined;
  if (typeof found === 'string') return found;
  throw new RejectedSignature(`it is not to be understood: no ${key}`);
}

function numberIn(value: JsonValue, key: string): string {
  const found = isJsonObject(value) ? value[key] : undefined;
  if (typeof found === 'number' && Number.isSafeInteger(found)) return String(found);
  throw new RejectedSignature(`it is not to be understood: no ${key}`);
}
