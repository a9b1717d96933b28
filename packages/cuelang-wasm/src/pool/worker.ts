/** The thread of a worker: one evaluator, one request at a time, no state but the evaluator's. */
import { parentPort, workerData } from 'node:worker_threads';
import { Evaluator, EvaluatorFailure } from '../wasm/evaluator.ts';
import type { WorkerMessage, WorkerStart } from './messages.ts';

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    const isOutOfMemory = error instanceof EvaluatorFailure && error.isOutOfMemory;
    post({ type: 'lost', message: error instanceof Error ? error.message : String(error), isOutOfMemory });
    parentPort?.close();
  }
}

attempt(() => {
  const start: WorkerStart = workerData;
  const evaluator = new Evaluator(start.module);
  parentPort?.on('message', (request: string) => {
    attempt(() => {
      const text = evaluator.handle(request);
      post({ type: 'answer', text, memoryBytes: evaluator.memoryBytes });
    });
  });
  post({ type: 'ready', memoryBytes: evaluator.memoryBytes });
});
