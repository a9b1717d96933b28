import { Worker } from 'node:worker_threads';
import { SourceError } from '../errors.ts';
import type { WorkerAnswers, WorkerQuestion } from './worker-messages.ts';

export interface QuestionOptions {
  readonly timeoutMs: number;
  /** Bytes of the question that the caller has no more use for: they are moved and not copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

const HEAP_MIB = 256;
const SUBJECTS = { key: 'ssh key', unpack: 'git pack' } as const;

/** One thread, which answers one question at a time. A question that is given up takes the thread with it. */
export class WorkerThread {
  readonly #worker: Worker;
  #reject: ((error: unknown) => void) | undefined;
  #isGone = false;

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    this.#worker = new Worker(new URL(file, import.meta.url), {
      name: 'git',
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    this.#worker.on('error', (error) => this.#reject?.(error));
    this.#worker.on('exit', () => {
      this.#isGone = true;
      this.#reject?.(new Error('the git worker ended without an answer'));
    });
    this.#worker.unref();
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Settles whatever happens to the thread. @throws SourceError, and the signal's reason */
  async ask<Q extends WorkerQuestion>(
    question: Q,
    { timeoutMs, transfer = [] }: QuestionOptions,
    signal: AbortSignal,
  ): Promise<WorkerAnswers[Q['type']]> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<WorkerAnswers[Q['type']]>();
    const subject = SUBJECTS[question.type];
    const onAbort = (): void => reject(signal.reason);
    const timer = setTimeout(
      () => reject(tooLarge(`the ${subject} takes over ${Math.ceil(timeoutMs / 1000)} s to open`)),
      timeoutMs,
    );
    this.#reject = reject;
    signal.addEventListener('abort', onAbort, { once: true });
    this.#worker.once('message', resolve);
    this.#worker.ref();
    try {
      this.#worker.postMessage(question, [...transfer]);
      return await promise;
    } catch (error) {
      this.#reject = undefined;
      await this.stop();
      throw isOutOfMemory(error) ? tooLarge(`the ${subject} takes too much memory to open`) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#worker.off('message', resolve);
      this.#worker.unref();
      this.#reject = undefined;
    }
  }

  /** Ends the thread, and whatever it is doing. */
  async stop(): Promise<void> {
    this.#isGone = true;
    await this.#worker.terminate();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function tooLarge(message: string): SourceError {
  return new SourceError('SOURCE_TOO_LARGE', message);
}
