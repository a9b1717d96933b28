// Public keys as a Secret holds them. Everything but one public key of a kind that cosign makes is refused, in words that
// never show the text: somebody may have put the private key there.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { SourceError } from '../errors.ts';
import type { VerificationKey } from './policy.ts';

const MAX_PEM_LENGTH = 16 * 1024;
const MIN_RSA_BITS = 2048;
/** Larger ones make a verification take long. */
const MAX_RSA_BITS = 8192;

/** A public key, and the hashes that signatures by it may be made with; null: the key's kind has its own. */
export interface PublicKey {
  readonly name: string;
  readonly key: KeyObject;
  readonly hashes: readonly (string | null)[];
}

/** @throws SourceError `SOURCE_INVALID` that names the key. */
export function readPublicKey({ name, pem }: VerificationKey): PublicKey {
  const problem = (what: string): SourceError => new SourceError('SOURCE_INVALID', `key ${name}: ${what}`);
  const labels = [...pem.slice(0, MAX_PEM_LENGTH).matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(
    ([, label]) => label ?? '',
  );
  if (labels.some((label) => label.endsWith('PRIVATE KEY'))) {
    throw problem('it is a private key: put the public one here, and consider the private one disclosed');
  }
  if (pem.length > MAX_PEM_LENGTH) throw problem('it is too long for a key');
  const [label] = labels;
  if (label === undefined) throw problem('it is no PEM: expected -----BEGIN PUBLIC KEY-----');
  if (labels.length > 1) throw problem('it holds more than one key: give each its own entry');
  if (label !== 'PUBLIC KEY') throw problem(`it is a ${label}: expected a PUBLIC KEY`);
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new SourceError('SOURCE_INVALID', `key ${name}: it can't be read`, { cause: error });
  }
  const hashes = signatureHashes(key);
  if (hashes === undefined) {
    throw problem(
      `${describeKey(key)} keys are not taken: use ECDSA P-256 or P-384, RSA from 2048 bits, or Ed25519`,
    );
  }
  return { name, key, hashes };
}

/**
 * The hashes that signatures by such a key are made with, the one to sign with first; undefined for a kind that is not
 * taken. cosign signs with SHA-256 whatever the curve, other clients of sigstore with the curve's own hash.
 */
export function signatureHashes(key: KeyObject): readonly (string | null)[] | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails = {} } = key;
  if (asymmetricKeyType === 'ed25519') return [null];
  if (asymmetricKeyType === 'ec') {
    if (asymmetricKeyDetails.namedCurve === 'prime256v1') return ['sha256'];
    return asymmetricKeyDetails.namedCurve === 'secp384r1' ? ['sha256', 'sha384'] : undefined;
  }
  const bits = asymmetricKeyDetails.modulusLength ?? 0;
  const isGoodRsa = asymmetricKeyType === 'rsa' && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
  return isGoodRsa ? ['sha256'] : undefined;
}

/** `EC secp521r1`, `RSA 1024`. */
export function describeKey({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails;
  const detail = namedCurve ?? modulusLength;
  return `${(asymmetricKeyType ?? 'secret').toUpperCase()}${detail === undefined ? '' : ` ${detail}`}`;
}

/** Whether the holder of the key has signed exactly these bytes. */
export function isSignedBy({ key, hashes }: PublicKey, signed: Uint8Array, signature: Uint8Array): boolean {
  return hashes.some((hash) => verify(hash, signed, key, signature));
}
