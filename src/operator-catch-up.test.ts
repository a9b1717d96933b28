import { expect, test } from 'vitest';
import type { KubeObject } from './api/index.ts';
import { TransportError } from './kube/index.ts';
import { silentLogger } from './observability/index.ts';
import { type CaughtUp, catchUp } from './operator-catch-up.ts';

const NO_GRAPHS = { catchUp: async () => undefined, values: (): readonly KubeObject[] => [] };

/** The watch of a kind whose lists have these outcomes, one after the other; the last one stays. */
function kind(state: CaughtUp['state'], ...outcomes: readonly ('fails' | 'hangs' | 'succeeds')[]) {
  let looks = 0;
  const informer: CaughtUp = {
    state,
    resource: { kind: 'Widget' },
    catchUp: async (_isConcerned, signal) => {
      const outcome = outcomes[Math.min(looks, outcomes.length - 1)];
      looks += 1;
      if (outcome === 'fails') throw new TransportError('timeout', 'no answer');
      if (outcome === 'hangs')
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
    },
  };
  return { informer, looks: () => looks };
}

async function run(informer: CaughtUp, signal: AbortSignal, limitMs: number): Promise<void> {
  const watches = { transforms: NO_GRAPHS, graphs: NO_GRAPHS };
  const children = { informers: () => [informer] };
  await catchUp({ ...watches, children, log: silentLogger(), limitMs, retryMs: 1 }, () => true, signal);
}

test('a list that fails is made again, and only what it shows counts', async () => {
  const { informer, looks } = kind('Live', 'fails', 'fails', 'succeeds');
  await run(informer, AbortSignal.timeout(10_000), 10_000);
  expect(looks()).toBe(3);
});

test('what fails for ever is not waited for for ever', async () => {
  const { informer, looks } = kind('Retrying', 'fails');
  await run(informer, AbortSignal.timeout(10_000), 20);
  expect(looks()).toBeGreaterThan(0);
});

test('a watch that stays behind is not waited for for ever', async () => {
  const { informer, looks } = kind('Live', 'hangs');
  await run(informer, AbortSignal.timeout(10_000), 20);
  expect(looks()).toBe(1);
});

test.each(['Forbidden', 'NotServed'] as const)('a kind that is %s is not waited for', async (state) => {
  const { informer, looks } = kind(state, 'fails');
  await run(informer, AbortSignal.timeout(10_000), 10_000);
  expect(looks()).toBe(0);
});

test('it ends with whoever asked', async () => {
  const ending = new AbortController();
  const { informer } = kind('Live', 'hangs');
  const done = run(informer, ending.signal, 10_000);
  ending.abort(new Error('it is over'));
  await expect(done).rejects.toThrow('it is over');
});
