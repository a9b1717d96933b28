// A fault of watches that waits for its moment: on one stream, or over all that carry the same things, one after another.
import type { SeenCall, WatchFault } from './types.ts';

export class Strike {
  readonly fault: WatchFault;
  readonly #matches: (watch: SeenCall) => boolean;
  #seen = 0;
  readonly #whenStruck: PromiseWithResolvers<void> = Promise.withResolvers();
  #struck: SeenCall | undefined;

  constructor(fault: WatchFault, matches: (watch: SeenCall) => boolean = () => true) {
    this.fault = fault;
    this.#matches = matches;
  }

  /** The watch that was struck. */
  get struck(): SeenCall | undefined {
    return this.#struck;
  }

  get whenStruck(): Promise<void> {
    return this.#whenStruck.promise;
  }

  concerns(watch: SeenCall): boolean {
    return this.#matches(watch);
  }

  /** Takes note of an event. @returns whether it is to be left out */
  count(watch: SeenCall): boolean {
    this.#seen += 1;
    if (this.fault.type !== 'drop-events') return false;
    const { afterEvents = 0, count } = this.fault;
    if (this.#seen <= afterEvents || this.#seen > afterEvents + count) return false;
    this.strike(watch);
    return true;
  }

  /** Whether its moment has come, for a fault that ends or silences a stream. */
  isDue(isListing: boolean): boolean {
    if (this.#struck !== undefined || this.fault.type === 'drop-events') return false;
    if (this.fault.type === 'end-stream' && this.fault.afterMs !== undefined) return false;
    const { afterEvents } = this.fault;
    return afterEvents === undefined || (!isListing && this.#seen >= afterEvents);
  }

  strike(watch: SeenCall): void {
    this.#struck ??= watch;
    this.#whenStruck.resolve();
  }
}
