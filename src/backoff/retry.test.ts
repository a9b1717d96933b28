import { expect, test } from 'vitest';
import { type RetryOptions, retry } from './retry.ts';

const never = (): AbortSignal => new AbortController().signal;
const NO_WAIT: RetryOptions = {
  maxTries: 3,
  backoff: { baseMs: 0, factor: 2, maxMs: 0, jitter: 0 },
  random: () => 0,
  waitAfter: () => 0,
};

/** Work that fails with these errors, one after another, and then succeeds. */
function failing(...errors: readonly string[]): {
  readonly work: () => Promise<string>;
  readonly tries: () => number;
} {
  let tries = 0;
  const work = (): Promise<string> => {
    const message = errors[tries];
    tries += 1;
    return message === undefined ? Promise.resolve('done') : Promise.reject(new Error(message));
  };
  return { work, tries: () => tries };
}

test('a fault that is gone a moment later is not noticed', async () => {
  const { work, tries } = failing('reset', 'reset');
  await expect(retry(work, NO_WAIT, never())).resolves.toBe('done');
  expect(tries()).toBe(3);
});

test('after so many tries the last failure is what is told', async () => {
  const { work, tries } = failing('one', 'two', 'three', 'four');
  await expect(retry(work, NO_WAIT, never())).rejects.toThrow('three');
  expect(tries()).toBe(3);
});

test('what is not worth another try gets none', async () => {
  const { work, tries } = failing('reset', 'wrong password', 'reset');
  const waitAfter = (error: unknown): number | undefined => (String(error).includes('reset') ? 0 : undefined);
  await expect(retry(work, { ...NO_WAIT, waitAfter }, never())).rejects.toThrow('wrong password');
  expect(tries()).toBe(2);
});

test('a deadline ends the wait, and the failure is told, not the deadline', async () => {
  const { work, tries } = failing('reset', 'reset');
  const deadline = new AbortController();
  const waitAfter = (): number => {
    queueMicrotask(() => deadline.abort(new Error('time is up')));
    return 60_000;
  };
  await expect(retry(work, { ...NO_WAIT, waitAfter }, deadline.signal)).rejects.toThrow('reset');
  await expect(retry(work, NO_WAIT, deadline.signal)).rejects.toThrow('reset');
  expect(tries()).toBe(2);
});
