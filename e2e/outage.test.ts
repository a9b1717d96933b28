// The API server goes away and comes back, with an operator in the middle of its work. On a cluster of its own, since all
// other stories share one. `npm run bench -- outage` does the same for longer, and says how long it took.
import { expect, test } from 'vitest';
import { measureOutages } from '../bench/outage/outage.ts';

test('what was asked for before, during and after an outage is carried out, by an operator that has not ended', {
  timeout: 400_000,
}, async ({ signal }) => {
  const { figures } = await measureOutages(
    { kinds: ['server', 'network'], seconds: [1, 4], settled: 4 },
    () => undefined,
    signal,
  );
  expect(figures.exits).toBe(0);
  expect(figures.outages).toHaveLength(4);
  // A list is needed where the new server does not know the old resourceVersions, and once is enough.
  for (const { listsPerKind } of figures.outages) expect(listsPerKind).toBeLessThanOrEqual(1);
});
