import { describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { type CatchUpOptions, catchUp } from './catch-up.ts';
import { CONFIG_MAPS } from './known-resources.ts';
import { ObjectStore } from './object-store.ts';
import type { ListOptions } from './requests.ts';

function object(name: string, resourceVersion: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'n', name, uid: name, resourceVersion },
  };
}

/** A server that has these objects, and a watch that has brought those. */
function world(served: readonly KubeObject[], seen: readonly KubeObject[]) {
  const store = new ObjectStore<string>({});
  const bring = ({ metadata: { name, resourceVersion = '', uid = '' } }: KubeObject): void => {
    store.set({ namespace: 'n', name }, { uid, resourceVersion, value: resourceVersion });
  };
  seen.forEach(bring);
  let objects = served;
  const asked: (string | undefined)[] = [];
  const client: CatchUpOptions['client'] = {
    async *list(_resource, { fieldSelector }: ListOptions) {
      asked.push(fieldSelector);
      yield { items: objects, resourceVersion: '' };
    },
    listAll: async (_resource, { fieldSelector = '' }) => {
      asked.push(fieldSelector);
      return objects.filter(({ metadata }) => fieldSelector === `metadata.name=${metadata.name}`);
    },
  };
  const signal = AbortSignal.timeout(10_000);
  const options = { client, resource: CONFIG_MAPS, select: {}, store };
  return {
    asked,
    bring,
    store,
    serve: (now: readonly KubeObject[]) => {
      objects = now;
    },
    run: (isConcerned: CatchUpOptions['isConcerned'] = () => true) =>
      catchUp({ ...options, isConcerned }, signal),
  };
}

/** Whether it is still waiting after it has looked again at least once. */
async function isWaiting(
  { asked }: { readonly asked: readonly unknown[] },
  caught: Promise<void>,
): Promise<boolean> {
  let isOver = false;
  void caught.then(() => {
    isOver = true;
  });
  const looks = asked.length;
  await vi.waitUntil(() => isOver || asked.length > looks + 1, { timeout: 10_000, interval: 1 });
  return !isOver;
}

describe('catching up', () => {
  it('is one list where the watch has brought everything, be it newer than the list', async () => {
    const it = world(
      [object('a', '1'), object('b', '2')],
      [object('a', '1'), object('b', '2'), object('b', '3')],
    );
    await it.run();
    expect(it.asked).toEqual([undefined]);
  });

  it('waits for the version that was listed', async () => {
    const it = world([object('a', '2')], [object('a', '1')]);
    const caught = it.run();
    expect(await isWaiting(it, caught)).toBe(true);
    it.bring(object('a', '2'));
    await caught;
  });

  it('waits for an object that the watch has not brought, and for one to go that is gone', async () => {
    const it = world([object('new', '5')], [object('old', '1')]);
    const caught = it.run();
    expect(await isWaiting(it, caught)).toBe(true);
    it.bring(object('new', '5'));
    expect(await isWaiting(it, caught)).toBe(true);
    it.store.delete({ namespace: 'n', name: 'old' }, 'old', '6');
    await caught;
  });

  it('does not wait for a version that the watch has passed over', async () => {
    const it = world([object('a', '2')], [object('a', '1')]);
    const caught = it.run();
    expect(await isWaiting(it, caught)).toBe(true);
    it.serve([object('a', '9')]);
    it.bring(object('a', '9'));
    await caught;
  });

  it('does not wait for what concerns nobody', async () => {
    const it = world(
      [object('mine', '1'), object('theirs', '7')],
      [object('mine', '1'), object('theirs', '1')],
    );
    await it.run(({ metadata }) => metadata.name === 'mine');
    expect(it.asked).toEqual([undefined]);
  });

  it('counts the answer to an own write as brought', async () => {
    const it = world([object('a', '2')], [object('a', '1')]);
    it.store.observeOwnWrite(
      { namespace: 'n', name: 'a' },
      { uid: 'a', resourceVersion: '2', value: '2' },
      0,
    );
    await it.run();
    expect(it.asked).toEqual([undefined]);
  });
});
