/** A thread that answers questions. It has no environment, and opens neither files nor sockets. */
import { parentPort } from 'node:worker_threads';
import type { UnpackAnswer } from './pack/index.ts';
import type { KeyAnswer } from './private-key.ts';
import type { WorkerQuestion } from './worker-messages.ts';

parentPort?.on('message', (question: WorkerQuestion) => {
  void answer(question).then((found) => parentPort?.postMessage(found));
});

/** Only what the question needs is loaded. What is thrown ends the thread, and is told to whoever waits for it. */
async function answer(question: WorkerQuestion): Promise<KeyAnswer | UnpackAnswer> {
  if (question.type === 'unpack') return await (await import('./pack/index.ts')).unpack(question);
  return (await import('./private-key.ts')).openPrivateKey(question);
}
