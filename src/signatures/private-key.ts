// Keys to sign with. What is wrong with one is said without its text, and without what OpenSSL says of it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { SourceError } from '../errors.ts';
import { describeKey, type PublicKey, signatureHashes } from './public-key.ts';

/** A private key of a kind that is verified. */
export interface SigningKey {
  /** Verifies what the key signs. */
  readonly publicKey: PublicKey;
  readonly publicPem: string;
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/**
 * Reads a private key in PEM: PKCS#8, encrypted or not, SEC1 or PKCS#1.
 * @throws SourceError `SOURCE_INVALID`
 */
export function readSigningKey(pem: string, passphrase?: string): SigningKey {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  if (label === undefined) throw invalid('it is no PEM');
  if (!label.endsWith('PRIVATE KEY')) throw invalid(`it is a ${label}, not a private key`);
  if (/ENCRYPTED (COSIGN|SIGSTORE)/.test(label)) {
    throw invalid("it is encrypted in cosign's own format: sign with cosign, or with a key in PKCS#8");
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (error) {
    throw invalid(whyUnreadable(pem, passphrase), error);
  }
  const hashes = signatureHashes(key);
  const [hash = null] = hashes ?? [];
  if (hashes === undefined)
    throw invalid(`${describeKey(key)} keys are not verified by anybody: use ECDSA P-256`);
  const publicKey = createPublicKey(key);
  return {
    publicKey: { name: 'of the signer', key: publicKey, hashes },
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes) => sign(hash, bytes, key),
  };
}

/** A new ECDSA key on P-256, in PKCS#8, encrypted where there is a passphrase. */
export function generateSigningKey(passphrase?: string): {
  readonly key: string;
  readonly publicKey: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function whyUnreadable(pem: string, passphrase: string | undefined): string {
  const isEncrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem);
  if (!isEncrypted) return "it can't be read";
  return passphrase === undefined
    ? 'it is encrypted, and there is no passphrase'
    : 'the passphrase does not fit';
}

function invalid(what: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_INVALID', `signing key: ${what}`, { retry: 'never', cause });
}
