// What a process knows of the drift of one graph's objects: what the last look or repair of each found, and the last
// repair, until it is in the status. Lost with the process: the next look or repair finds it anew.
import { type DriftRecord, describeIdentity, identityKey, type ObjectIdentity } from '../../api/index.ts';
import type { Drift, Observation } from '../../apply/index.ts';
import { isoSeconds } from '../../graph/index.ts';
import { UNSEEN } from './drift.ts';

/** How often the last repair is written to the status at most. */
const RECORD_INTERVAL_MS = 60_000;
/** Bounds of the schema. */
const MAX_FIELDS = 16;
const MAX_FIELD = 512;
const MAX_MANAGER = 256;

/** What a look at an object that is not repaired came to. */
export interface Look {
  /** Key of the sign that the watch showed then: while it shows the same, there is no need to look again. */
  readonly seen: string;
  /** Undefined where it is not known what was changed. */
  readonly drift: Drift | undefined;
  /** Of an object that the watch does not show. */
  readonly glimpse: Observation | undefined;
  /** When to look again all the same, in ms; undefined for never. */
  readonly dueAtMs: number | undefined;
}

export class DriftMemory {
  /** The last repair, until it is written. */
  #record: DriftRecord | undefined;
  #recordedAtMs = Number.NEGATIVE_INFINITY;
  readonly #repairs = new Map<string, Drift>();
  readonly #looks = new Map<string, Look>();

  /** A repair put this back. */
  repaired(nodeId: string, identity: ObjectIdentity, drift: Drift, nowMs: number): void {
    this.#repairs.set(identityKey(identity), drift);
    const manager = drift.managers.join(', ').slice(0, MAX_MANAGER);
    this.#record = {
      time: isoSeconds(nowMs),
      nodeId,
      object: describeIdentity(identity),
      ...(drift.fields.length === 0
        ? {}
        : { fields: drift.fields.slice(0, MAX_FIELDS).map((field) => field.slice(0, MAX_FIELD)) }),
      ...(manager === '' ? {} : { manager }),
    };
  }

  /** What the last repair of the object put back. */
  lastRepair(identity: ObjectIdentity): Drift | undefined {
    return this.#repairs.get(identityKey(identity));
  }

  /**
   * The last repair, if it belongs into the status now; a write that happens anyway takes it along.
   * @param stored what the status has
   */
  due(
    stored: DriftRecord | undefined,
    isWrittenAnyway: () => boolean,
    nowMs: number,
  ): { readonly record?: DriftRecord; readonly dueInMs?: number } {
    const record = this.#record;
    if (record === undefined) return {};
    const lastMs = Math.max(this.#recordedAtMs, Date.parse(stored?.time ?? '') || Number.NEGATIVE_INFINITY);
    const dueInMs = lastMs + RECORD_INTERVAL_MS - nowMs;
    return dueInMs <= 0 || isWrittenAnyway() ? { record } : { dueInMs };
  }

  /** The status has the last repair now. */
  recorded(record: DriftRecord, nowMs: number): void {
    this.#recordedAtMs = nowMs;
    if (this.#record === record) this.#record = undefined;
  }

  looked(identity: ObjectIdentity, look: Look): void {
    this.#looks.set(identityKey(identity), look);
  }

  /** There have been too many: the last look counts for what the watch shows now, until the given time. */
  postponed(identity: ObjectIdentity, seen: string, untilMs: number): void {
    const { drift, glimpse } = this.#looks.get(identityKey(identity)) ?? {};
    this.looked(identity, { seen, drift, glimpse, dueAtMs: untilMs });
  }

  /** The earliest look that is due by time alone, in ms. */
  get nextLookAtMs(): number | undefined {
    const dueAtMs = [...this.#looks.values()].flatMap((look) => look.dueAtMs ?? []);
    return dueAtMs.length === 0 ? undefined : Math.min(...dueAtMs);
  }

  /** The last look that still counts. */
  lookAt(identity: ObjectIdentity, seen: string | undefined, nowMs: number): Look | undefined {
    const look = this.#looks.get(identityKey(identity));
    if (look === undefined || look.seen !== seen) return undefined;
    return look.dueAtMs === undefined || look.dueAtMs > nowMs ? look : undefined;
  }

  /** What a look not long ago showed of an object that the watch does not show. */
  glimpseOf(identity: ObjectIdentity, nowMs: number): Observation | undefined {
    return this.lookAt(identity, UNSEEN.key, nowMs)?.glimpse;
  }

  /** Forgets the looks at all but these objects: they need no further look. */
  keepLooks(identities: readonly ObjectIdentity[]): void {
    const kept = new Set(identities.map(identityKey));
    for (const key of this.#looks.keys()) if (!kept.has(key)) this.#looks.delete(key);
  }

  /** Forgets the repairs of all but these objects. */
  keepRepairs(identities: () => readonly ObjectIdentity[]): void {
    if (this.#repairs.size === 0) return;
    const kept = new Set(identities().map(identityKey));
    for (const key of this.#repairs.keys()) if (!kept.has(key)) this.#repairs.delete(key);
  }
}
