import { expect, it } from 'vitest';
import { CONFIG_MAPS, RestMapper } from '../../kube/index.ts';
import { silentLogger } from '../../observability/index.ts';
import { Controller, DONE } from '../../runtime/index.ts';
import { watchKinds } from './kinds.ts';

const { signal } = new AbortController();

it('holds up no other graph while the first list of a kind takes its time', async () => {
  const mapper = new RestMapper({
    client: {
      discover: async (path) => ({
        etag: undefined,
        value:
          path === '/api'
            ? { versions: ['v1'] }
            : { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['list'] }] },
      }),
    },
    now: () => 0,
  });
  const lists = Promise.withResolvers<void>();
  const other = Promise.withResolvers<void>();
  const ended: string[] = [];
  const controller = new Controller({
    name: 'test',
    concurrency: 1,
    log: silentLogger(),
    reconcile: async (key, { aside, signal: limit }) => {
      const children = { release: () => undefined, watch: () => lists.promise };
      const { group, version, kind } = CONFIG_MAPS;
      const item = { nodeId: 'a', group, version, kind, name: 'a', wave: 0 } as const;
      const items = [{ ...item, origin: 'Created', deletion: 'Delete' } as const];
      const request = { key, targets: new Map(), items, announced: [], mapper, children, aside };
      if (key.name === 'slow') await watchKinds(request, limit);
      else other.resolve();
      ended.push(key.name);
      return DONE;
    },
  });
  controller.enqueue({ namespace: 'shop', name: 'slow' });
  controller.enqueue({ namespace: 'bank', name: 'quick' });
  await controller.start(signal);
  await other.promise;
  lists.resolve();
  await controller.waitUntilIdle(signal);
  expect(ended).toEqual(['quick', 'slow']);
  await controller.stop();
});
