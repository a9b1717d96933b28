// What a single call can meet, by the names that ids of points begin with.
import type { Fault } from '../proxy/types.ts';

export interface CallFault {
  readonly name: string;
  readonly fault: Fault;
  /** For how long after its answer the operator may not call again in that flow. */
  readonly holdMs?: number;
}

const answer = (status: 409 | 422 | 500 | 503 | 504): CallFault => ({
  name: String(status),
  fault: { type: 'status', status },
});

const holding = (name: string, status: 429 | 503, seconds: number): CallFault => ({
  name,
  fault: { type: 'status', status, retryAfterSeconds: seconds },
  holdMs: seconds * 1_000,
});

export const CALL_FAULTS: readonly CallFault[] = [
  answer(409),
  answer(422),
  holding('429', 429, 1),
  // Longer than a call waits in place.
  holding('429-long', 429, 8),
  answer(500),
  answer(503),
  holding('503-wait', 503, 2),
  answer(504),
  { name: 'response-lost', fault: { type: 'response-lost' } },
  { name: 'reset', fault: { type: 'reset' } },
  { name: 'cut', fault: { type: 'cut', afterBytes: 20 } },
  { name: 'truncated', fault: { type: 'truncated-json' } },
  { name: 'no-answer', fault: { type: 'no-answer' } },
  { name: 'delay', fault: { type: 'delay', ms: 2_000 } },
];
