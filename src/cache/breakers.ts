// The hosts that modules come from, each with a circuit. It is kept by host and TLS material: who brings an authority
// that the host was not certified by fails alone. A host that says when to come back (429 and 503 with Retry-After) is
// not asked before, by those whom it has told: a limit is mostly one of an account, so that it holds for the same
// credentials, and for all who come without any.
import { LRUCache } from 'lru-cache';
import { askedDelayMs, isSourceError, NotAskedError } from '../errors.ts';
import type { HostCircuit, Metrics } from '../observability/index.ts';
import { Circuit } from './circuit.ts';

/** Circuits and waits that are kept; one that is forgotten is learned again. */
const MAX_KEPT = 2_000;
/** No host makes anybody wait longer than this. */
const LONGEST_WAIT_MS = 60 * 60_000;

/** Who is asked, and who asks. */
export interface Place {
  /** With the port, where it is not the usual one. */
  readonly host: string;
  /** Names the TLS material, where there is any. */
  readonly tlsKey?: string | undefined;
  /** Names the credentials, where there are any. See `Grants.credentialKey`. */
  readonly credentialKey?: string | undefined;
  /** The namespace on whose behalf it is asked: one alone does not soon open the circuit for the others. */
  readonly asker: string;
}

export interface BreakersOptions {
  /** Wall clock, in milliseconds: the time of the next try is told to people. */
  readonly now: () => number;
  readonly metrics?: Metrics | undefined;
}

interface Wait {
  readonly untilMs: number;
}

export class Breakers {
  readonly #now: () => number;
  readonly #circuits: LRUCache<string, { readonly host: string; readonly circuit: Circuit }>;
  readonly #waits: LRUCache<string, Wait>;

  constructor(options: BreakersOptions) {
    this.#now = options.now;
    this.#circuits = new LRUCache({ max: MAX_KEPT });
    this.#waits = new LRUCache({ max: MAX_KEPT });
    options.metrics?.watchCircuits(() => this.states());
  }

  /**
   * Does the work, which asks the place once and ends by itself within some time, unless the place is known not to
   * answer, or wants to be left alone.
   * @throws SourceError `SOURCE_UNAVAILABLE` that says when to come back; what `work` throws; the signal's reason
   */
  async run<T>(place: Place, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const circuit = this.#circuitOf(place);
    const refusal = this.#waitOf(place) ?? circuit.refusal(place.asker);
    if (refusal !== undefined) throw refusal;
    try {
      return await circuit.run(place.asker, () => work(signal), signal);
    } catch (error) {
      this.#heed(place, error);
      throw error;
    }
  }

  /** Of all hosts that were asked. */
  states(): readonly HostCircuit[] {
    return [...this.#circuits.values()].map(({ host, circuit }) => ({ host, state: circuit.state }));
  }

  #circuitOf({ host, tlsKey }: Place): Circuit {
    const key = JSON.stringify([host, tlsKey ?? '']);
    const known = this.#circuits.get(key);
    if (known !== undefined) return known.circuit;
    const circuit = new Circuit(host, this.#now);
    this.#circuits.set(key, { host, circuit });
    return circuit;
  }

  #waitOf(place: Place): NotAskedError | undefined {
    const untilMs = this.#waits.get(waitKey(place))?.untilMs ?? 0;
    const waitMs = untilMs - this.#now();
    // More than the longest time is left only where the clock went back.
    if (waitMs <= 0 || waitMs > LONGEST_WAIT_MS) return undefined;
    const hour = 'it is tried again when that is over, within an hour';
    return new NotAskedError(`${place.host} has asked us to wait; ${hour}`, waitMs);
  }

  #heed(place: Place, error: unknown): void {
    if (!isSourceError(error, 'SOURCE_UNAVAILABLE')) return;
    const askedMs = askedDelayMs(error.retry);
    if (askedMs === undefined) return;
    const untilMs = this.#now() + Math.min(askedMs, LONGEST_WAIT_MS);
    this.#waits.set(waitKey(place), { untilMs });
  }
}

function waitKey({ host, tlsKey, credentialKey }: Place): string {
  return JSON.stringify([host, tlsKey ?? '', credentialKey ?? '']);
}
