// What a question was answered last, for all who may know. The rule of freshness: an answer tells of no moment before
// its request was started, so its age counts from there, and whoever wants an answer that is at most so old gets none
// whose request was started earlier than that. With a maximum age of 0 the request is started after the question was
// put, never before: who reconciles because a tag was moved a moment ago must not be told what it was before.
//
// One request a key is under way, and one more is due when somebody came who can't use that one; all who come until it
// starts share it. However many ask at once, a place is asked twice. Failures go to those who waited for them, and to
// nobody after them.
import { LRUCache } from 'lru-cache';
import { Flight, type Load } from './flight.ts';

export interface SharedAnswersOptions<T> {
  /** Keys of which an answer is kept; the least recently used goes first. */
  readonly maxEntries: number;
  /** Where answers can be long: their length, and how much of it is kept in all. */
  readonly room?: { readonly lengthOf: (value: T) => number; readonly maxLength: number };
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** What is asked for. */
export interface Question {
  /** Names the question and everything that the answer may depend on: place, reference, credentials. */
  readonly key: string;
  /** 0: nothing that was asked before now. */
  readonly maxAgeMs: number;
}

interface Known<T> {
  readonly value: T;
  readonly startedAtMs: number;
}

interface Turn<T> {
  readonly flight: Flight<Known<T>>;
  startedAtMs: number;
}

/** The request of a key that is under way, and the one after it. */
interface Line<T> {
  current: Turn<T>;
  next: Turn<T> | undefined;
}

export interface SharedAnswer<T> {
  readonly value: T;
  /** Since its request was started. */
  readonly ageMs: number;
}

/** Answers by key, shared among those who ask the same. */
export class SharedAnswers<T> {
  readonly #now: () => number;
  readonly #known: LRUCache<string, Known<T>>;
  readonly #lines = new Map<string, Line<T>>();

  constructor({ maxEntries, room, now }: SharedAnswersOptions<T>) {
    this.#now = now;
    this.#known = new LRUCache({
      max: maxEntries,
      ...(room === undefined
        ? {}
        : { maxSize: room.maxLength, sizeCalculation: ({ value }) => Math.max(1, room.lengthOf(value)) }),
    });
  }

  /**
   * A known answer that is new enough, else that of a request.
   * @throws what `load` throws, and the signal's reason.
   */
  async ask(question: Question, load: Load<T>, signal: AbortSignal): Promise<SharedAnswer<T>> {
    signal.throwIfAborted();
    const known = this.#known.get(question.key);
    const answer =
      known !== undefined && this.#isFresh(known.startedAtMs, question)
        ? known
        : await this.#request(question, load, signal);
    return { value: answer.value, ageMs: this.#now() - answer.startedAtMs };
  }

  #isFresh(startedAtMs: number, { maxAgeMs }: Question): boolean {
    return maxAgeMs > 0 && this.#now() - startedAtMs <= maxAgeMs;
  }

  #request(question: Question, load: Load<T>, signal: AbortSignal): Promise<Known<T>> {
    const { key } = question;
    const line = this.#lines.get(key);
    const timed: Load<Known<T>> = async (given) => {
      const startedAtMs = this.#now();
      const answer = { value: await load(given), startedAtMs };
      // One that was given up is older than what has been asked since.
      if (!given.aborted) this.#known.set(key, answer);
      return answer;
    };
    if (line === undefined) {
      const turn = this.#turn(key);
      this.#lines.set(key, { current: turn, next: undefined });
      const outcome = turn.flight.join(timed, signal);
      this.#start(turn);
      return outcome;
    }
    if (this.#isFresh(line.current.startedAtMs, question)) return line.current.flight.join(timed, signal);
    line.next ??= this.#turn(key);
    return line.next.flight.join(timed, signal);
  }

  #turn(key: string): Turn<T> {
    const turn: Turn<T> = { flight: new Flight(() => this.#ended(key, turn)), startedAtMs: 0 };
    return turn;
  }

  #start(turn: Turn<T>): void {
    turn.startedAtMs = this.#now();
    void turn.flight.start();
  }

  /** The request has ended, or nobody waits for it: the next one starts. */
  #ended(key: string, turn: Turn<T>): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    if (line.next === turn) {
      line.next = undefined;
      return;
    }
    if (line.next === undefined) {
      this.#lines.delete(key);
      return;
    }
    line.current = line.next;
    line.next = undefined;
    this.#start(line.current);
  }
}
