// What stands before every write of a process that shares its work with others: `mayWrite` throws where not every Lease
// that it works under is surely held, and after it was closed for good. A process that was paused is asked when it goes
// on, by a clock that has gone on meanwhile.
import { NotLeaderError } from '../kube/index.ts';
import type { LeaseHolder } from './holder.ts';

export class WriteFence {
  readonly #relied = new Set<LeaseHolder>();
  #isClosed = false;

  /** From now on this Lease has to be held for anything to be written: work is being done under it. */
  rely(holder: LeaseHolder): void {
    this.#relied.add(holder);
  }

  /** Nothing is done under this Lease any more. */
  leave(holder: LeaseHolder): void {
    this.#relied.delete(holder);
  }

  /** Lets nothing through any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** True after {@link close}. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws NotLeaderError where this process may not write now */
  readonly mayWrite = (): void => {
    if (this.#isClosed) throw new NotLeaderError('this replica is stopping and has given its work to others');
    if (this.#relied.size === 0) throw new NotLeaderError('this replica holds no lease');
    for (const holder of this.#relied) {
      if (!holder.isHeld) throw new NotLeaderError(`lease ${holder.name} may be held by another replica`);
    }
  };
}
