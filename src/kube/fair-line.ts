// A line in which several flows wait. Within a flow it is first come, first served; between flows turns go round, so that
// a flow with a thousand waiting and one with a single one advance equally. Pure.

export class FairLine<T> {
  /** Flows with somebody waiting, the one whose turn is next first. */
  readonly #flows = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(flow: string, waiter: T): void {
    const waiting = this.#flows.get(flow);
    if (waiting === undefined) this.#flows.set(flow, new Set([waiter]));
    else waiting.add(waiter);
    this.#size += 1;
  }

  /** Takes out one who waits no longer. Does nothing for one who is not there. */
  remove(flow: string, waiter: T): void {
    const waiting = this.#flows.get(flow);
    if (waiting === undefined || !waiting.delete(waiter)) return;
    this.#size -= 1;
    if (waiting.size === 0) this.#flows.delete(flow);
  }

  /** Whether anybody of this flow waits. */
  has(flow: string): boolean {
    return this.#flows.has(flow);
  }

  /** The next one of the next flow that may go. */
  take(mayGo: (flow: string) => boolean): { readonly flow: string; readonly waiter: T } | undefined {
    for (const [flow, waiting] of this.#flows) {
      const [waiter] = waiting;
      if (waiter === undefined || !mayGo(flow)) continue;
      this.remove(flow, waiter);
      if (waiting.size > 0) {
        this.#flows.delete(flow);
        this.#flows.set(flow, waiting);
      }
      return { flow, waiter };
    }
    return undefined;
  }
}
