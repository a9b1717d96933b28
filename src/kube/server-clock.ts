/** The API server's own time, from its `Date` headers: whole seconds, never going back. */
export class ServerClock {
  #latestMs: number | undefined;

  observe(dateHeader: string | undefined): void {
    if (dateHeader === undefined) return;
    const at = Date.parse(dateHeader);
    if (Number.isNaN(at)) return;
    this.#latestMs = Math.max(at, this.#latestMs ?? at);
  }

  /** RFC 3339 in whole seconds, as `creationTimestamp` is written; undefined before the first answer. */
  now(): string | undefined {
    if (this.#latestMs === undefined) return undefined;
    return new Date(this.#latestMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
  }
}
