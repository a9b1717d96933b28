import { EgressError } from './rules.ts';

/** A signal that also ends after a time, and leaves nothing behind when the answer is there. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => this.#controller.abort(this.#outer.reason);

  constructor(timeoutMs: number | undefined, outer: AbortSignal) {
    this.#outer = outer;
    if (outer.aborted) this.#onAbort();
    outer.addEventListener('abort', this.#onAbort, { once: true });
    if (timeoutMs !== undefined)
      this.#timer = setTimeout(() => this.#controller.abort(tooSlow(timeoutMs)), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#onAbort);
  }
}

function tooSlow(timeoutMs: number): EgressError {
  return new EgressError(`did not answer in full within ${timeoutMs / 1_000} s`, {
    code: 'EGRESS_TIMEOUT',
    reason: 'AnswerTooSlow',
    retry: 'backoff',
  });
}
