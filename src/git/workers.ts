// Threads for what takes processor time or memory by someone else's choice: packs and encrypted keys. A thread that has
// answered waits a while for the next question; one that did not answer in time is ended.
import { SourceError } from '../errors.ts';
import { Turns } from './turns.ts';
import type { WorkerAnswers, WorkerQuestion } from './worker-messages.ts';
import { type QuestionOptions, WorkerThread } from './worker-thread.ts';

const IDLE_MS = 10_000;

/** Starts threads, a few at a time. */
export class GitWorkers {
  readonly #turns: Turns;
  readonly #idle = new Map<WorkerThread, NodeJS.Timeout>();
  /** One for each question. A single signal for all of them would hold on to a little of each for as long as it lives. */
  readonly #asked = new Set<AbortController>();
  #closing: SourceError | undefined;

  constructor(maxWorkers: number) {
    this.#turns = new Turns(maxWorkers);
  }

  /** The answer of a thread. @throws SourceError `SOURCE_TOO_LARGE` where it takes too much, and the signal's reason */
  async ask<Q extends WorkerQuestion>(
    question: Q,
    options: QuestionOptions,
    signal: AbortSignal,
  ): Promise<WorkerAnswers[Q['type']]> {
    if (this.#closing !== undefined) throw this.#closing;
    const stop = new AbortController();
    this.#asked.add(stop);
    try {
      return await this.#answer(question, options, AbortSignal.any([signal, stop.signal]));
    } finally {
      this.#asked.delete(stop);
    }
  }

  /** Ends all threads; whoever waits is told. */
  async close(): Promise<void> {
    this.#closing = new SourceError(
      'SOURCE_UNAVAILABLE',
      'git modules are not read any more: the operator stops',
    );
    for (const stop of this.#asked) stop.abort(this.#closing);
    const threads = [...this.#idle.keys()];
    for (const thread of threads) this.#forget(thread);
    await Promise.all(threads.map((thread) => thread.stop()));
  }

  async #answer<Q extends WorkerQuestion>(
    question: Q,
    options: QuestionOptions,
    signal: AbortSignal,
  ): Promise<WorkerAnswers[Q['type']]> {
    await this.#turns.take(signal);
    try {
      const thread = this.#takeIdle() ?? new WorkerThread();
      const answer = await thread.ask(question, options, signal);
      this.#keep(thread);
      return answer;
    } finally {
      this.#turns.leave();
    }
  }

  #takeIdle(): WorkerThread | undefined {
    for (const thread of [...this.#idle.keys()]) {
      this.#forget(thread);
      if (!thread.isGone) return thread;
    }
    return undefined;
  }

  #keep(thread: WorkerThread): void {
    const end = setTimeout(() => {
      this.#idle.delete(thread);
      void thread.stop();
    }, IDLE_MS);
    this.#idle.set(thread, end.unref());
  }

  #forget(thread: WorkerThread): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
  }
}
