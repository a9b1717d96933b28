// Digests as the image specification writes them. Nothing that a registry sends is used before it has the digest that it
// was asked for by.
import { createHash, type Hash } from 'node:crypto';

const HEX_LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** What is taken; the specification registers no other that is still safe. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** Whether `text` is `sha256:` or `sha512:` and as many small hexadecimal digits as that has. */
export function isDigest(text: string): boolean {
  const { algorithm, hex } = splitDigest(text);
  return isAlgorithm(algorithm) && hex.length === HEX_LENGTHS[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** The digest of `bytes` by the algorithm of `digest`, to be compared with it. */
export function digestLike(digest: string, bytes: Uint8Array): string {
  return digestOf(bytes, algorithmOf(digest));
}

/** A hash by the algorithm of `digest`. */
export function hashLike(digest: string): Hash {
  return createHash(algorithmOf(digest));
}

/** The tag that stands in for the referrers of `digest` where a registry does not list them itself. */
export function referrersTag(digest: string): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}-${hex.slice(0, 64)}`;
}

function algorithmOf(digest: string): DigestAlgorithm {
  const { algorithm } = splitDigest(digest);
  return isAlgorithm(algorithm) ? algorithm : 'sha256';
}

function splitDigest(digest: string): { readonly algorithm: string; readonly hex: string } {
  const [algorithm = '', hex = ''] = digest.split(':', 2);
  return { algorithm, hex };
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTHS, text);
}
