// Who may have what is in the cache. Content is kept by place and digest, for all; it is handed out only to credentials that the
// place it is said to come from has accepted for that digest a short while ago. A tenant who names the digest of
// another's private module is asked for credentials by the place, like anybody. A grant names place, digest and
// credentials, never a tenant: who shows the same credentials is the same to the place.
//
// Grants are in memory alone. After a restart the place is asked again, which costs a request for a manifest's head or a
// list of refs, and no content.
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** How long a place's word holds: as long may somebody whose rights were withdrawn still read what he had before. */
const DEFAULT_GRANT_TTL_MS = 10 * 60_000;
const DEFAULT_MAX_GRANTS = 10_000;

export interface GrantsOptions {
  readonly ttlMs?: number;
  /** The least recently used goes first, and the place is asked again. */
  readonly maxEntries?: number;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

export class Grants {
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #secret = randomBytes(32);
  readonly #grantedAtMs: LRUCache<string, number>;

  constructor(options: GrantsOptions) {
    this.#ttlMs = options.ttlMs ?? DEFAULT_GRANT_TTL_MS;
    this.#now = options.now;
    this.#grantedAtMs = new LRUCache({ max: options.maxEntries ?? DEFAULT_MAX_GRANTS });
  }

  /**
   * A name for credentials and TLS material that tells nothing of them: HMAC-SHA-256 with a key that this process drew
   * at random. Equal values have equal names, in this process; without a value it is the name of the anonymous.
   * @param access plain data, whatever the order of its fields
   */
  credentialKey(access: object | undefined): string {
    const text = JSON.stringify(access ?? {}, sortedFields);
    return createHmac('sha256', this.#secret).update(text).digest('base64url');
  }

  /** The place has accepted the credentials for the digest just now. */
  grant(place: string, digest: string, credentialKey: string): void {
    this.#grantedAtMs.set(nameOf(place, digest, credentialKey), this.#now());
  }

  /** Whether the place did so within the last minutes. */
  has(place: string, digest: string, credentialKey: string): boolean {
    const grantedAtMs = this.#grantedAtMs.get(nameOf(place, digest, credentialKey));
    return grantedAtMs !== undefined && this.#now() - grantedAtMs < this.#ttlMs;
  }

  /** Whether the place ever did, as far as this process remembers, and has not refused them since. */
  had(place: string, digest: string, credentialKey: string): boolean {
    return this.#grantedAtMs.peek(nameOf(place, digest, credentialKey)) !== undefined;
  }

  /** The place has refused them. */
  withdraw(place: string, digest: string, credentialKey: string): void {
    this.#grantedAtMs.delete(nameOf(place, digest, credentialKey));
  }
}

function nameOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

function sortedFields(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
