// `npm run bench -- poison` does the same among a thousand.
import { expect, test } from 'vitest';
import { measurePoison } from '../bench/poison/poison.ts';

test('Transforms that can not be read keep none of the others from converging, in a process that sees them come and in one that finds them', {
  timeout: 400_000,
}, async ({ signal }) => {
  const { figures } = await measurePoison({ good: 60 }, () => undefined, signal);
  expect(figures).toEqual({ good: 60, malformed: 4, converged: 60, exits: 0, failures: 0 });
});
