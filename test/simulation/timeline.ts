/** What happens when. Events of one moment happen in the order in which they were planned. */
export class Timeline {
  nowMs = 0;
  readonly #heap: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  after(delayMs: number, run: () => void): void {
    this.#order += 1;
    const event = { atMs: this.nowMs + delayMs, order: this.#order, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  /** Lets the next event happen. @returns false where there is none */
  step(): boolean {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) this.#sink(last);
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #sink(event: { readonly atMs: number; readonly order: number; readonly run: () => void }): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      const [left, right] = [heap[down], heap[down + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) down += 1;
      const child = heap[down];
      if (child === undefined || isBefore(event, child)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = event;
  }
}

interface Placed {
  readonly atMs: number;
  readonly order: number;
}

function isBefore(one: Placed, other: Placed): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
