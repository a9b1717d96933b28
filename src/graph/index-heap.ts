/** A binary heap of small integers: takes them back lowest first. What orders ready nodes by declaration. */
export class IndexHeap {
  readonly #items: number[] = [];

  /** The lowest, which stays. */
  peek(): number | undefined {
    return this.#items[0];
  }

  push(value: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(value);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] ?? 0;
      if (parent <= value) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = value;
  }

  pop(): number | undefined {
    const items = this.#items;
    const lowest = items[0];
    const last = items.pop();
    if (lowest === undefined || last === undefined || items.length === 0) return lowest;
    let at = 0;
    for (;;) {
      let childAt = at * 2 + 1;
      const left = items[childAt];
      if (left === undefined) break;
      const right = items[childAt + 1];
      let child = left;
      if (right !== undefined && right < left) {
        child = right;
        childAt += 1;
      }
      if (child >= last) break;
      items[at] = child;
      at = childAt;
    }
    items[at] = last;
    return lowest;
  }
}
