import { Worker } from 'node:worker_threads';
import type { CueLimit } from '../diagnostic.ts';
import type { EvaluatorAnswer, WorkerMessage, WorkerStart } from './messages.ts';

/** How a request ended. Anything but an answer means that the worker is gone. */
export type WorkerOutcome =
  | { readonly type: 'answer'; readonly answer: EvaluatorAnswer }
  | { readonly type: 'stopped'; readonly limit: CueLimit; readonly message: string }
  | { readonly type: 'aborted' };

/** Go keeps its frames on the thread's stack too: CUE's own bounds on nesting have to be met first. */
const STACK_MIB = 64;

const START_TIMEOUT_MS = 60_000;

/**
 * One worker thread. It serves one request at a time; a request that is
 * stopped, by its deadline, its signal or a failure, takes the thread with it,
 * because CUE can't be interrupted.
 */
export class WorkerHandle {
  readonly #worker: Worker;
  readonly #loaded = new Set<string>();
  #isReady = false;
  #isGone = false;
  #memoryBytes = 0;
  #evaluations = 0;
  #modulesOpened = 0;
  #settle: ((outcome: WorkerOutcome) => void) | undefined;
  #whenReady: (() => void) | undefined;

  /** `onGone` is called once when the thread ends, whoever ended it. */
  constructor(module: WebAssembly.Module, onGone: (handle: WorkerHandle) => void) {
    const start: WorkerStart = { module };
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    this.#worker = new Worker(new URL(file, import.meta.url), {
      name: 'cue',
      workerData: start,
      env: {},
      execArgv: [],
      resourceLimits: { stackSizeMb: STACK_MIB },
    });
    this.#worker.on('message', (message: WorkerMessage) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#lose('crash', `the worker failed: ${String(error)}`));
    this.#worker.on('exit', () => {
      this.#lose('crash', 'the worker ended');
      this.#isGone = true;
      onGone(this);
    });
    this.#worker.unref();
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  get evaluations(): number {
    return this.#evaluations;
  }

  get modulesOpened(): number {
    return this.#modulesOpened;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether the worker is known to hold a module, so that its files need not be sent. */
  holds(moduleId: string): boolean {
    return this.#loaded.has(moduleId);
  }

  /** Sends a request. Time counts from when the worker could begin. Never rejects. */
  run(request: string, moduleId: string, deadlineMs: number, signal?: AbortSignal): Promise<WorkerOutcome> {
    const { promise, resolve } = Promise.withResolvers<WorkerOutcome>();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => this.#finish({ type: 'aborted' });
    this.#settle = (outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.#worker.unref();
      if (outcome.type === 'answer') this.#learn(outcome.answer, moduleId);
      resolve(outcome);
    };
    this.#worker.ref();
    signal?.addEventListener('abort', onAbort, { once: true });
    const begin = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => this.#lose('deadline', `the evaluation took over ${deadlineMs} ms`),
        deadlineMs,
      );
      this.#worker.postMessage(request);
    };
    if (this.#isGone) this.#lose('crash', 'the worker ended');
    else if (this.#isReady) begin();
    else {
      timer = setTimeout(() => this.#lose('crash', 'the worker did not start'), START_TIMEOUT_MS);
      this.#whenReady = begin;
    }
    return promise;
  }

  /** Ends the thread, and whatever it is doing. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #onMessage(message: WorkerMessage): void {
    if (message.type === 'lost') {
      this.#lose(message.isOutOfMemory ? 'memory' : 'crash', message.message);
      return;
    }
    this.#memoryBytes = message.memoryBytes;
    if (message.type === 'ready') {
      this.#isReady = true;
      const begin = this.#whenReady;
      this.#whenReady = undefined;
      begin?.();
      return;
    }
    const answer: EvaluatorAnswer = JSON.parse(message.text);
    this.#finish({ type: 'answer', answer });
  }

  #learn(answer: EvaluatorAnswer, moduleId: string): void {
    this.#evaluations++;
    if (answer.module !== undefined && !this.#loaded.has(moduleId)) {
      this.#loaded.add(moduleId);
      this.#modulesOpened++;
    }
    for (const id of answer.evicted ?? []) this.#loaded.delete(id);
    if (answer.unknown === true) this.#loaded.delete(moduleId);
  }

  #lose(limit: CueLimit, message: string): void {
    this.#finish({ type: 'stopped', limit, message });
  }

  #finish(outcome: WorkerOutcome): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#whenReady = undefined;
    settle?.(outcome);
  }
}
