// What this process knows of a graph and its status can't say yet. A session belongs to one uid of a graph. Nothing in
// it is needed for correctness after a restart: a fresh session treats every unfinished entry as suspect, and a suspect
// is read and judged before anything is done to it.
import {
  type InventoryItem,
  identityKey,
  type NamespacedName,
  type ObjectIdentity,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import type { Observation } from '../../apply/index.ts';
import {
  ApplyConflictError,
  IMMUTABLE_FIELD,
  InvalidObjectError,
  PequodError,
  WaitingError,
} from '../../errors.ts';
import { ApiError } from '../../kube/index.ts';
import { DriftMemory } from './drift-memory.ts';
import { Glimpses } from './glimpses.ts';
import { RepairPace } from './repair-pace.ts';
import { Rivals } from './rivals.ts';
import { SchemaChanges } from './schema-changes.ts';

/** A write of this process that was not answered may still land for as long as a request may take. */
const LANDING_MS = 35_000;
/**
 * A write of a process that is gone: the API server gives up a request whose client has left, and what it had handed on
 * to its store is done in a moment.
 */
const EARLIER_LANDING_MS = 5_000;
/** Reasons of nodes that wait for their object to go. */
const IN_THE_WAY: ReadonlySet<string> = new Set([IMMUTABLE_FIELD, 'ObjectTerminating', 'Recreating']);

export class GraphSession {
  readonly uid: string;
  /** Newer than what the cluster has: progress that waits for its write. */
  pendingStatus: ResourceGraphStatus | undefined;
  /** Until when there is no use in another try to remove the graph's objects, in the controller's clock. */
  removalHeldUntilMs: number | undefined;
  /** When this process last wrote the status, in the controller's clock. */
  lastStatusWriteMs: number | undefined;
  /** The last plan that was made for a candidate: from what, when, and when time alone calls for another. */
  planned:
    | { readonly basis: string; readonly atMs: number; readonly dueAtMs: number | undefined }
    | undefined;
  readonly repairPace: RepairPace = new RepairPace();
  readonly rivals: Rivals = new Rivals();
  readonly glimpses: Glimpses = new Glimpses();
  readonly drift: DriftMemory = new DriftMemory();
  readonly schemas: SchemaChanges = new SchemaChanges();
  /** Objects whose last write may have landed without an answer, by identity key: until when they may land. */
  readonly #suspects: Map<string, number>;
  /** Until when a write of a process before this one may land, whichever entry it is for. */
  readonly #earlierLandByMs: number;
  readonly #now: () => number;
  /** Objects that were in the way of their nodes when they were last looked at, by identity key. */
  readonly #leaving: Set<string>;

  constructor(graph: ResourceGraph, now: () => number) {
    this.uid = graph.metadata.uid ?? '';
    this.#now = now;
    const items = graph.status?.inventory?.items ?? [];
    const landsByMs = now() + EARLIER_LANDING_MS;
    // A graph without an inventory was never executed.
    this.#earlierLandByMs = items.length === 0 ? Number.NEGATIVE_INFINITY : landsByMs;
    this.#suspects = new Map(
      items.filter((item) => item.uid === undefined).map((item) => [identityKey(item), landsByMs]),
    );
    const reasonOf = ({ nodeId }: InventoryItem): string => graph.status?.nodeStatus?.[nodeId]?.reason ?? '';
    const inTheWay = items.filter((item) => IN_THE_WAY.has(reasonOf(item)));
    this.#leaving = new Set(inTheWay.map(identityKey));
  }

  /** The newest status that anyone has. */
  statusOf(graph: ResourceGraph): ResourceGraphStatus {
    return this.pendingStatus ?? graph.status ?? {};
  }

  /**
   * Somebody else wrote the status first. Until this process has written it once, what it holds is only a reading of an
   * older version, and it has acted on nothing else: theirs counts, as after a restart.
   */
  outrun(): void {
    if (this.lastStatusWriteMs === undefined) this.pendingStatus = undefined;
  }

  /** Notes whether an object is in the way of its node. @returns true once, when one that was is so no longer. */
  hasLeft(identity: ObjectIdentity, isLeaving: boolean): boolean {
    const key = identityKey(identity);
    if (!isLeaving) return this.#leaving.delete(key);
    this.#leaving.add(key);
    return false;
  }

  /**
   * Notes what is worth another try after an apply failed, and what is in doubt.
   * @param seen what the watch showed of the object before
   */
  failed(entry: InventoryItem, error: unknown, seen: Observation | undefined): void {
    if (error instanceof ApplyConflictError) this.rivals.failed(entry, seen?.rivals, this.#now());
    // Whoever reads why it failed may delete the object before the next pass has looked at it. An object that no watch
    // shows has not left: its label may have been taken away.
    const isInTheWay = error instanceof PequodError && error.reason === IMMUTABLE_FIELD;
    if (isInTheWay && seen !== undefined) this.hasLeft(entry, true);
    if (mayHaveLanded(error)) this.suspect(entry);
  }

  isSuspect(entry: InventoryItem): boolean {
    return this.#suspects.has(identityKey(entry));
  }

  suspect(entry: InventoryItem): void {
    this.#suspects.set(identityKey(entry), this.#now() + LANDING_MS);
  }

  /**
   * Until when a write of ours may still land on the object, or bring it into being; undefined where none is on its way.
   * After a restart that concerns every entry: a repair may have been on its way to make the object anew, an update would
   * mark an object that was let go as ours again.
   * @param atMs when the object was looked at
   */
  landsByMs(entry: InventoryItem, atMs: number): number | undefined {
    const suspectedMs = this.#suspects.get(identityKey(entry)) ?? Number.NEGATIVE_INFINITY;
    const landsByMs = Math.max(suspectedMs, this.#earlierLandByMs);
    return landsByMs <= atMs ? undefined : landsByMs;
  }

  clear(entry: InventoryItem): void {
    this.#suspects.delete(identityKey(entry));
  }

  /** The object is none of the graph's any more. */
  forget(entry: InventoryItem): void {
    this.clear(entry);
    this.#leaving.delete(identityKey(entry));
    this.repairPace.forget(entry);
    this.rivals.forget(entry);
  }
}

/** False only where the API server said that it refused the write. */
function mayHaveLanded(error: unknown): boolean {
  if (
    error instanceof WaitingError ||
    error instanceof InvalidObjectError ||
    error instanceof ApplyConflictError
  ) {
    return false;
  }
  return !(error instanceof ApiError) || error.statusCode >= 500;
}

/** The sessions of a process, by graph. */
export class GraphSessions {
  readonly #sessions = new Map<string, { readonly key: NamespacedName; readonly session: GraphSession }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The session of this very graph; one of a former graph of that name is dropped. */
  of(graph: ResourceGraph): GraphSession {
    const { namespace = '', name, uid } = graph.metadata;
    const id = `${namespace}/${name}`;
    const known = this.#sessions.get(id)?.session;
    if (known !== undefined && known.uid === uid) return known;
    const session = new GraphSession(graph, this.#now);
    this.#sessions.set(id, { key: { namespace, name }, session });
    return session;
  }

  /** The session that a graph of this name has. */
  at({ namespace, name }: NamespacedName): GraphSession | undefined {
    return this.#sessions.get(`${namespace}/${name}`)?.session;
  }

  forget({ namespace, name }: NamespacedName): void {
    this.#sessions.delete(`${namespace}/${name}`);
  }

  /** The graphs that have one. */
  keys(): readonly NamespacedName[] {
    return [...this.#sessions.values()].map(({ key }) => key);
  }
}
