import { untilAborted } from './abort.ts';
import { CREDENTIAL_MAX_AGE_MS, type Credentials } from './config.ts';

/** Longest wait for a file or for a plugin that asks somewhere. */
const READ_TIMEOUT_MS = 60_000;

/** Keeps a bearer token for a minute; a refused one is asked for anew at once. */
export class TokenCache {
  readonly #credentials: Credentials;
  readonly #now: () => number;
  #token = '';
  #readAtMs: number | undefined;
  #reading: Promise<string> | undefined;

  constructor(credentials: Credentials, now: () => number) {
    this.#credentials = credentials;
    this.#now = now;
  }

  /** Undefined where the credentials are not a token. */
  async get(isRefused: boolean, signal: AbortSignal): Promise<string | undefined> {
    if (this.#credentials.kind !== 'token') return undefined;
    const isFresh = this.#readAtMs !== undefined && this.#now() - this.#readAtMs < CREDENTIAL_MAX_AGE_MS;
    if (isFresh && !isRefused) return this.#token;
    const { token } = this.#credentials;
    // Shared by all callers, so that no single one of them may end it.
    this.#reading ??= token(isRefused, AbortSignal.timeout(READ_TIMEOUT_MS))
      .then((fresh) => {
        this.#token = fresh;
        this.#readAtMs = this.#now();
        return fresh;
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return untilAborted(this.#reading, signal);
  }
}
