import type { UnpackAnswer, UnpackQuestion } from './pack/index.ts';
import type { KeyAnswer, KeyQuestion } from './private-key.ts';

/** What a worker is asked. */
export type WorkerQuestion = KeyQuestion | UnpackQuestion;

/** What it answers to a question of each type. */
export interface WorkerAnswers {
  readonly key: KeyAnswer;
  readonly unpack: UnpackAnswer;
}
