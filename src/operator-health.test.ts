import { expect, test } from 'vitest';
import { OperatorHealth } from './operator-health.ts';

test('an operator whose parts are not there yet is alive, and not ready', async () => {
  const health = new OperatorHealth();
  const problems = async (checks: ReturnType<typeof health.live>): Promise<unknown> =>
    await Promise.all(checks.map(({ check }) => check()));
  expect(await problems(health.live())).toEqual([undefined]);
  expect(await problems(health.ready())).toEqual(['is starting']);
});
