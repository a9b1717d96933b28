// How fast an object is repaired that someone else keeps changing. A repair is never dropped: the first few come at once,
// then each waits longer than the one before, until the object has been left alone for a while.
import { identityKey, type ObjectIdentity } from '../../api/index.ts';

/** Repairs that nothing holds back. */
const BURST = 5;
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** How long an object has to keep what we gave it, beyond the delay, until its repairs are forgotten. */
const QUIET_MS = 60_000;

interface Repairs {
  readonly count: number;
  readonly lastAtMs: number;
}

/** The repairs of one graph's objects. */
export class RepairPace {
  readonly #repairs = new Map<string, Repairs>();

  /** An object was repaired. */
  repaired(identity: ObjectIdentity, nowMs: number): void {
    const key = identityKey(identity);
    this.#repairs.set(key, { count: this.#countOf(key, nowMs) + 1, lastAtMs: nowMs });
  }

  /** When the object may be repaired next, in ms; undefined for at once. */
  nextAtMs(identity: ObjectIdentity, nowMs: number): number | undefined {
    const key = identityKey(identity);
    const count = this.#countOf(key, nowMs);
    const lastAtMs = this.#repairs.get(key)?.lastAtMs;
    const nextAtMs = (lastAtMs ?? 0) + delayMs(count);
    return nextAtMs > nowMs && count >= BURST ? nextAtMs : undefined;
  }

  forget(identity: ObjectIdentity): void {
    this.#repairs.delete(identityKey(identity));
  }

  #countOf(key: string, nowMs: number): number {
    const repairs = this.#repairs.get(key);
    if (repairs === undefined) return 0;
    if (nowMs - repairs.lastAtMs <= delayMs(repairs.count) + QUIET_MS) return repairs.count;
    this.#repairs.delete(key);
    return 0;
  }
}

function delayMs(count: number): number {
  return count < BURST ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - BURST));
}
