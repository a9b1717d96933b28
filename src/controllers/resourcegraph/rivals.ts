// When a node whose fields somebody else holds is worth another try before its time: once it is seen that others hold
// something else than when it failed. Seen is only what changes ownership, so that a busy object is not tried for ever.
import { identityKey, type ObjectIdentity } from '../../api/index.ts';

/** Two tries of one node because of others are at least this far apart. */
const MIN_INTERVAL_MS = 5_000;

interface Conflict {
  readonly rivals: string | undefined;
  readonly atMs: number;
}

/** The field conflicts of one graph's nodes. */
export class Rivals {
  readonly #conflicts = new Map<string, Conflict>();

  /** An apply failed while others held what `rivals` stands for. */
  failed(identity: ObjectIdentity, rivals: string | undefined, nowMs: number): void {
    this.#conflicts.set(identityKey(identity), { rivals, atMs: nowMs });
  }

  /** When the node may be tried early, in ms; undefined where nothing changed since it failed. */
  retryAtMs(identity: ObjectIdentity, rivals: string | undefined): number | undefined {
    const conflict = this.#conflicts.get(identityKey(identity));
    if (conflict === undefined || conflict.rivals === rivals) return undefined;
    return conflict.atMs + MIN_INTERVAL_MS;
  }

  forget(identity: ObjectIdentity): void {
    this.#conflicts.delete(identityKey(identity));
  }
}
