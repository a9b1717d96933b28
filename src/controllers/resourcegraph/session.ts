// What this process knows of a graph and its status can't say yet. A session belongs to one uid of a graph. Nothing in
// it is needed for correctness after a restart: a fresh session treats every unfinished entry as suspect, and a suspect
// is read and judged before anything is done to it.
import {
  type InventoryItem,
  identityKey,
  type ObjectIdentity,
  type ResourceGraph,
  type ResourceGraphStatus,
} from '../../api/index.ts';
import { RepairPace } from './repair-pace.ts';

export class GraphSession {
  readonly uid: string;
  /** Newer than what the cluster has: progress that waits for its write. */
  pendingStatus: ResourceGraphStatus | undefined;
  /** When this process last wrote the status, in the controller's clock. */
  lastStatusWriteMs: number | undefined;
  readonly repairPace: RepairPace = new RepairPace();
  /** Objects whose last write may have landed without an answer, by identity key. */
  readonly #suspects: Set<string>;
  /** Objects that were on their way out when they were last looked at, by identity key. */
  readonly #leaving = new Set<string>();

  constructor(graph: ResourceGraph) {
    this.uid = graph.metadata.uid ?? '';
    const items = graph.status?.inventory?.items ?? [];
    this.#suspects = new Set(items.filter((item) => item.uid === undefined).map(identityKey));
  }

  /** The newest status that anyone has. */
  statusOf(graph: ResourceGraph): ResourceGraphStatus {
    return this.pendingStatus ?? graph.status ?? {};
  }

  /** Notes whether an object is on its way out. @returns true once, when one that was is so no longer. */
  hasLeft(identity: ObjectIdentity, isLeaving: boolean): boolean {
    const key = identityKey(identity);
    if (!isLeaving) return this.#leaving.delete(key);
    this.#leaving.add(key);
    return false;
  }

  isSuspect(entry: InventoryItem): boolean {
    return this.#suspects.has(identityKey(entry));
  }

  suspect(entry: InventoryItem): void {
    this.#suspects.add(identityKey(entry));
  }

  clear(entry: InventoryItem): void {
    this.#suspects.delete(identityKey(entry));
  }
}

/** The sessions of a process, by graph. */
export class GraphSessions {
  readonly #sessions = new Map<string, GraphSession>();

  /** The session of this very graph; one of a former graph of that name is dropped. */
  of(graph: ResourceGraph): GraphSession {
    const key = `${graph.metadata.namespace}/${graph.metadata.name}`;
    const known = this.#sessions.get(key);
    if (known !== undefined && known.uid === graph.metadata.uid) return known;
    const session = new GraphSession(graph);
    this.#sessions.set(key, session);
    return session;
  }

  forget(key: { readonly namespace: string; readonly name: string }): void {
    this.#sessions.delete(`${key.namespace}/${key.name}`);
  }
}
