// What cosign signs in a bundle: an in-toto statement that names a digest and says that it is signed. Other statements
// about the same digest (what is in it, how it was built) are made by programs that approve of nothing, often with the
// same key, and are no signature.
import { isJsonArray, isJsonObject, type JsonValue, parseJson } from '../json/index.ts';
import { RejectedSignature } from './rejection.ts';

export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Of statements that are signatures. */
export const SIGNATURE_PREDICATE_TYPE = 'https://sigstore.dev/cosign/sign/v1';

const STATEMENT_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'https://in-toto.io/Statement/v0.1',
  'https://in-toto.io/Statement/v1',
]);

/** The statement that signs a digest. */
export function signatureStatement(digest: string): Buffer {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: digestSet(digest) }],
    predicateType: SIGNATURE_PREDICATE_TYPE,
    predicate: {},
  };
  return Buffer.from(JSON.stringify(statement));
}

/** @throws RejectedSignature where the statement is not that this digest is signed. */
export function checkStatement(payloadType: string, payload: Uint8Array, digest: string): void {
  if (payloadType !== STATEMENT_PAYLOAD_TYPE) {
    throw new RejectedSignature(`its payload is ${quoted(payloadType)}, not an in-toto statement`);
  }
  const statement = readJson(payload);
  if (!isJsonObject(statement) || !STATEMENT_TYPES.has(statement['_type'])) {
    throw new RejectedSignature('its payload is not an in-toto statement');
  }
  const { predicateType, subject } = statement;
  if (predicateType !== SIGNATURE_PREDICATE_TYPE) {
    throw new RejectedSignature(`it is an attestation (${quoted(predicateType)}), not a signature`);
  }
  const [[algorithm, hex] = ['', '']] = Object.entries(digestSet(digest));
  const digests = isJsonArray(subject) ? subject.map((each) => digestIn(each, algorithm)) : [];
  if (!digests.includes(hex)) throw new RejectedSignature(`it signs another digest (${quoted(digests[0])})`);
}

function digestIn(subject: JsonValue, algorithm: string): JsonValue | undefined {
  const digest = isJsonObject(subject) ? subject['digest'] : undefined;
  return isJsonObject(digest) ? digest[algorithm] : undefined;
}

/** @throws RejectedSignature where it is no JSON in UTF-8. */
export function readJson(bytes: Uint8Array): JsonValue {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RejectedSignature('its payload is no JSON', error);
  }
}

/** `sha256:<digits>` as in-toto writes it. */
function digestSet(digest: string): Readonly<Record<string, string>> {
  const [algorithm = '', hex = ''] = digest.split(':', 2);
  return { [algorithm]: hex };
}

/** Foreign text, short and on one line. */
export function quoted(value: unknown, maxLength: number = 80): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, maxLength)) : 'none';
}
