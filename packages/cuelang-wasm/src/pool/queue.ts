import type { Crew } from './crew.ts';
import type { WorkerOutcome } from './worker-handle.ts';

/** A request waiting for a worker or with one. */
export interface Job {
  readonly moduleId: string;
  /** The request as text, with or without the module itself. */
  readonly request: (withModule: boolean) => string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly job: Job;
  readonly resolve: (outcome: WorkerOutcome) => void;
  readonly onAbort: () => void;
}

/** Hands jobs to workers in the order in which they came. */
export class JobQueue {
  readonly #crew: Crew;
  readonly #waiting: Waiting[] = [];

  constructor(crew: Crew) {
    this.#crew = crew;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Runs a job as soon as a worker is free. Never rejects; a signal ends it at any time. */
  run(job: Job): Promise<WorkerOutcome> {
    if (job.signal?.aborted === true) return Promise.resolve({ type: 'aborted' });
    const { promise, resolve } = Promise.withResolvers<WorkerOutcome>();
    const waiting: Waiting = {
      job,
      resolve,
      onAbort: () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        resolve({ type: 'aborted' });
      },
    };
    job.signal?.addEventListener('abort', waiting.onAbort, { once: true });
    this.#waiting.push(waiting);
    this.#pump();
    return promise;
  }

  /** Ends all that is waiting. */
  clear(): void {
    for (const waiting of this.#waiting.splice(0)) {
      waiting.job.signal?.removeEventListener('abort', waiting.onAbort);
      waiting.resolve({ type: 'aborted' });
    }
  }

  #pump(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const worker = this.#crew.take(next.job.moduleId);
      if (worker === undefined) return;
      this.#waiting.shift();
      const { job, resolve, onAbort } = next;
      job.signal?.removeEventListener('abort', onAbort);
      const send = (withModule: boolean): Promise<WorkerOutcome> =>
        worker.run(job.request(withModule), job.moduleId, job.deadlineMs, job.signal);
      const settle = async (): Promise<void> => {
        let outcome = await send(!worker.holds(job.moduleId));
        if (outcome.type === 'answer' && outcome.answer.unknown === true) outcome = await send(true);
        if (outcome.type === 'answer') this.#crew.release(worker);
        else this.#crew.discard(worker);
        resolve(outcome);
        this.#pump();
      };
      void settle();
    }
  }
}
