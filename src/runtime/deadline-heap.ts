// A binary heap of keys by deadline, one entry a key. Each entry knows its place, so that moving a deadline forward
// leaves nothing behind: the heap never holds more entries than there are waiting keys.

interface Entry {
  readonly key: string;
  deadline: number;
  index: number;
}

/** Keys that wait for a moment. Equal deadlines come out in no particular order. */
export class DeadlineHeap {
  readonly #entries = new Map<string, Entry>();
  readonly #heap: Entry[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline. */
  get next(): number | undefined {
    return this.#heap[0]?.deadline;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Adds the key, or moves it forward. A later deadline than the one it has changes nothing. */
  push(key: string, deadline: number): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (deadline >= known.deadline) return;
      known.deadline = deadline;
      this.#up(known);
      return;
    }
    const entry: Entry = { key, deadline, index: this.#heap.length };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    this.#up(entry);
  }

  /** Takes out one key whose deadline is not after `now`. */
  popDue(now: number): string | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.deadline > now) return undefined;
    this.#entries.delete(top.key);
    const last = this.#heap.pop();
    if (last !== undefined && last !== top) {
      this.#place(last, 0);
      this.#down(last);
    }
    return top.key;
  }

  /** Takes out all keys that match. */
  remove(isRemoved: (key: string) => boolean): void {
    const kept = this.#heap.filter(({ key }) => !isRemoved(key));
    if (kept.length === this.#heap.length) return;
    this.clear();
    for (const { key, deadline } of kept) this.push(key, deadline);
  }

  clear(): void {
    this.#entries.clear();
    this.#heap.length = 0;
  }

  #place(entry: Entry, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (parent === undefined || parent.deadline <= entry.deadline) return;
      this.#swap(parent, entry);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const smaller =
        left !== undefined && right !== undefined && right.deadline < left.deadline ? right : left;
      if (smaller === undefined || smaller.deadline >= entry.deadline) return;
      this.#swap(entry, smaller);
    }
  }

  #swap(upper: Entry, lower: Entry): void {
    const index = upper.index;
    this.#place(upper, lower.index);
    this.#place(lower, index);
  }
}
