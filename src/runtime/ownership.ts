// Which keys this process works on, where several share the work. The rules that every implementation keeps:
// - at any moment at most one process owns a key, and it owns it only while it can prove so;
// - a process that loses a key without having given it up ends: what it still holds of it can't be trusted;
// - what is given up is worked on by nobody until the one who gives it up has said that it is done with it.
import type { NamespacedName } from '../api/index.ts';

/** True for keys of a part of all keys. */
export type KeyFilter = (key: NamespacedName) => boolean;

export interface Ownership {
  /** Whether this process works on the key now. Cheap: it is asked for every key that is taken from a queue. */
  owns(key: NamespacedName): boolean;
  /** Calls `handler` each time when more keys have become this process's; it enqueues those. @returns what ends it. */
  onGained(handler: (isGained: KeyFilter) => void): () => void;
  /**
   * Calls `handler` with keys that `owns` is false for from now on, and that others get when what the handler returns is
   * settled: when none of them is worked on any more. @returns what ends it.
   */
  onLeaving(handler: (isLeaving: KeyFilter) => Promise<void>): () => void;
}

/** The ownership of a process that is alone: everything, always. */
export const OWNS_ALL: Ownership = {
  owns: () => true,
  onGained: () => () => undefined,
  onLeaving: () => () => undefined,
};
