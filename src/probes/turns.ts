// Who is asked next. So many at a time for the process, so many for one namespace, and the namespaces in turn: one with
// a thousand probes that hang does not keep another's from being asked.

export class Turns {
  readonly #limit: number;
  readonly #limitEach: number;
  /** Tasks that wait, by key; the map's order is whose turn it is. */
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  readonly #running = new Map<string, number>();
  #runningAll = 0;

  /** @param limit tasks at a time. @param limitEach of one key. */
  constructor(limit: number, limitEach: number) {
    this.#limit = limit;
    this.#limitEach = limitEach;
  }

  /** Runs the task when it is its turn. It must not reject. */
  add(key: string, task: () => Promise<void>): void {
    const tasks = this.#waiting.get(key);
    if (tasks === undefined) this.#waiting.set(key, [task]);
    else tasks.push(task);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#runningAll < this.#limit) {
      const next = this.#takeNext();
      if (next === undefined) return;
      this.#runningAll += 1;
      void next.task().finally(() => {
        this.#runningAll -= 1;
        const left = (this.#running.get(next.key) ?? 1) - 1;
        if (left === 0) this.#running.delete(next.key);
        else this.#running.set(next.key, left);
        this.#startNext();
      });
    }
  }

  #takeNext(): { readonly key: string; readonly task: () => Promise<void> } | undefined {
    for (const [key, tasks] of this.#waiting) {
      const running = this.#running.get(key) ?? 0;
      if (running >= this.#limitEach) continue;
      const task = tasks.shift();
      this.#waiting.delete(key);
      if (task === undefined) continue;
      // To the end of the line.
      if (tasks.length > 0) this.#waiting.set(key, tasks);
      this.#running.set(key, running + 1);
      return { key, task };
    }
    return undefined;
  }
}
