import { createHash } from 'node:crypto';

/** Of the caches of these tests: little room, so that entries come and go, and next to no memory. */
export const CACHE_LIMITS: {
  readonly maxBytes: number;
  readonly maxMemoryBytes: number;
  readonly maxEntries: number;
} = { maxBytes: 4 * 2 ** 20, maxMemoryBytes: 1, maxEntries: 40 };

/** Keys are `key 0` and so on, up to this many. */
export const KEYS = 60;

/** What belongs to a key: 1 KiB to 256 KiB. */
export function contentOf(key: string): Uint8Array {
  const hash = createHash('sha256').update(key).digest();
  return new Uint8Array(1024 * ((hash[0] ?? 0) + 1)).fill(hash[1] ?? 0);
}

export function isContentOf(key: string, bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, contentOf(key)) === 0;
}
