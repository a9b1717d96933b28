import { messageOf, SourceError, type SourceErrorCode } from '../errors.ts';
import { RejectedSignature } from './rejection.ts';

/** Signatures looked at for one digest. Whoever may write to the repository can attach more. */
export const MAX_SIGNATURES = 50;

const MAX_REASONS = 3;

/** What says nothing about a signature, only that it could not be had just now. */
const TROUBLE: ReadonlySet<SourceErrorCode> = new Set([
  'SOURCE_AUTH',
  'SOURCE_REFUSED',
  'SOURCE_UNAVAILABLE',
]);

/**
 * What came of looking for a signature. Trouble on the way does not end the search, since a later signature may do; but
 * where none does, it is what is reported: a registry that is down must not look like a module that is not signed.
 */
export class Findings {
  readonly #reasons = new Map<string, string>();
  #looked = 0;
  #passedOver = 0;
  #trouble: SourceError | undefined;

  /** Counts one more to look at; false where there were enough. */
  take(): boolean {
    if (this.#looked >= MAX_SIGNATURES) {
      this.#passedOver += 1;
      return false;
    }
    this.#looked += 1;
    return true;
  }

  /** Notes why a signature does not count. */
  reject(name: string, reason: string): void {
    if (this.#reasons.size < MAX_SIGNATURES * 2) this.#reasons.set(name, reason);
  }

  /** The result, or undefined having noted why there is none. @throws what is neither about a signature nor a source */
  async attempt<T>(name: string, work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RejectedSignature) this.reject(name, error.message);
      else if (error instanceof SourceError && TROUBLE.has(error.code)) this.#trouble ??= error;
      else if (error instanceof SourceError) this.reject(name, messageOf(error, 120));
      else throw error;
      return undefined;
    }
  }

  /** Why there is no signature by one of those who are asked for. */
  error(place: string, wanted: string): SourceError {
    if (this.#trouble !== undefined) {
      const { code, retry, message } = this.#trouble;
      const said = `${place}: its signature could not be looked for: ${message}`;
      return new SourceError(code, said, { retry, cause: this.#trouble });
    }
    const count = this.#reasons.size;
    if (count === 0) return unverified(`${place} has no signature; ${wanted} is asked for`);
    const shown = [...this.#reasons].slice(0, MAX_REASONS).map(([name, reason]) => `${name}: ${reason}`);
    if (count > MAX_REASONS) shown.push(`and ${count - MAX_REASONS} more`);
    if (this.#passedOver > 0) shown.push(`${this.#passedOver} more were not looked at`);
    const found = `${count} ${count === 1 ? 'signature' : 'signatures'} found, none ${wanted}`;
    return unverified(`${place}: ${found}: ${shown.join('; ')}`);
  }
}

function unverified(message: string): SourceError {
  return new SourceError('SOURCE_UNVERIFIED', message);
}
