import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import {
  CONFIG_MAPS,
  Informer,
  type InformerOptions,
  InformerSet,
  type OperatorClient,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { startControlPlane } from '../../control-plane/index.ts';
import { eventually } from '../eventually.ts';
import {
  applyCrd,
  configMap,
  dropCrd,
  dropNamespace,
  freshNamespace,
  MANAGER,
  operatorClient,
  soon,
  testKind,
  widget,
} from './cluster.ts';

interface Seen {
  readonly x: string;
  readonly managers: readonly string[];
}

const { kubeconfigPath } = inject('controlPlane');
let client: OperatorClient;
let namespace: string;

beforeAll(async () => {
  client = await operatorClient(kubeconfigPath);
  namespace = await freshNamespace(client, 'informer');
});

afterAll(async () => {
  await dropNamespace(client, namespace);
  await client.close();
});

function project(object: KubeObject): Seen {
  const managers = (object.metadata.managedFields ?? []).map((entry) => entry.manager ?? '');
  return { x: JSON.stringify(object['data'] ?? object['spec'] ?? null), managers };
}

function options(extra: Partial<InformerOptions<Seen>> = {}): InformerOptions<Seen> {
  const base = { client, resource: CONFIG_MAPS, namespace, project, log: silentLogger() };
  return {
    ...base,
    now: Date.now,
    random: Math.random,
    timing: { maxRefusedMs: 500, maxBackoffMs: 500 },
    ...extra,
  };
}

async function running<T>(informer: Informer<Seen>, check: () => Promise<T>): Promise<T> {
  informer.start();
  try {
    await informer.waitForSync(soon());
    return await check();
  } finally {
    await informer.stop();
  }
}

async function write(name: string, x: string, labels?: Record<string, string>): Promise<KubeObject> {
  const object = configMap(namespace, name, { x }, labels);
  return (await client.apply(CONFIG_MAPS, object, { fieldManager: MANAGER, force: true }, soon())).object;
}

describe('an informer on the real API server', () => {
  it('knows what was there and follows what happens', async () => {
    await write('before', '1', { follow: 'yes' });
    const informer = new Informer(options({ labelSelector: 'follow' }));
    const events: string[] = [];
    informer.onChange((event) => events.push(`${event.type} ${event.key.name}`));
    await running(informer, async () => {
      expect(informer.get(namespace, 'before')).toEqual({ x: '{"x":"1"}', managers: [MANAGER] });
      await write('after', '1', { follow: 'yes' });
      await write('other', '1');
      await write('before', '2', { follow: 'yes' });
      await client.delete(
        CONFIG_MAPS,
        { namespace, name: 'after' },
        { propagationPolicy: 'Background' },
        soon(),
      );
      const all = ['set before', 'set after', 'set before', 'deleted after'];
      await eventually(() => expect(events).toEqual(all));
      await write('before', '2');
      await eventually(() => expect(events).toEqual([...all, 'deleted before']));
      expect(informer.size).toBe(0);
    });
  });

  it('shows our own writes at once, and never goes back behind them', async () => {
    const informer = new Informer(options({ fieldSelector: 'metadata.name=own' }));
    await running(informer, async () => {
      const told: number[] = [];
      informer.onChange(({ current }) => told.push(Number(/\d+/.exec(current?.x ?? '')?.[0])));
      for (let round = 0; round < 50; round += 1) {
        informer.observeOwnWrite(await write('own', String(round)));
        expect(informer.get(namespace, 'own')?.x).toBe(`{"x":"${round}"}`);
      }
      // An event that comes after the answer to the next write is older than what readers see, and not told.
      await eventually(() => expect(told.at(-1)).toBe(49));
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      expect(informer.get(namespace, 'own')?.x).toBe('{"x":"49"}');
    });
  });

  it('hears of each deletion when its kind goes away, and goes on when the kind is back', async () => {
    const kind = testKind();
    await applyCrd(client, kind);
    const informer = new Informer(options({ resource: kind.resource }));
    informer.start();
    try {
      await informer.waitForSync(soon());
      await eventually(() =>
        client.apply(kind.resource, widget(kind, namespace, 'w', 1), { fieldManager: MANAGER }, soon()),
      );
      await eventually(() => expect(informer.size).toBe(1));
      const deleted: string[] = [];
      informer.onChange((event) => event.type === 'deleted' && deleted.push(event.key.name));
      await dropCrd(client, kind);
      await eventually(() => expect(informer.state).toBe('NotServed'));
      expect(deleted).toEqual(['w']);
      await eventually(() => applyCrd(client, kind));
      await eventually(() => expect(informer.state).toBe('Live'));
    } finally {
      await informer.stop();
      await dropCrd(client, kind);
    }
  });

  it('waits for a kind that does not exist yet', async () => {
    const kind = testKind();
    const informer = new Informer(options({ resource: kind.resource }));
    informer.start();
    try {
      await eventually(() => expect(informer.state).toBe('NotServed'));
      expect(informer.hasSynced).toBe(false);
      await applyCrd(client, kind);
      await informer.waitForSync(soon());
    } finally {
      await informer.stop();
      await dropCrd(client, kind);
    }
  });

  it('is shared, and stops when nobody needs it', async () => {
    const set = new InformerSet({ ...options(), namespace: undefined });
    const seen = new Set<string>();
    set.onChange(() => {
      throw new Error('handler is broken');
    });
    set.onChange((event) => seen.add(event.key.name));
    const first = set.acquire(CONFIG_MAPS, { namespace });
    const second = set.acquire(CONFIG_MAPS, { namespace });
    const everywhere = set.acquire(CONFIG_MAPS);
    expect(first.informer).toBe(second.informer);
    expect(everywhere.informer).not.toBe(first.informer);
    await first.informer.waitForSync(soon());
    await eventually(() => expect(seen).toContain('kube-root-ca.crt'));
    first.release();
    first.release();
    expect(first.informer.state).toBe('Live');
    second.release();
    await eventually(() => expect(first.informer.state).toBe('Stopped'));
    expect(set.informers()).toEqual([everywhere.informer]);
    await set.stop();
    expect(everywhere.informer.state).toBe('Stopped');
  });
});

describe('an informer over an outage', () => {
  it.each(['gracefully', 'at-once'] as const)('of a server that ended %s misses nothing', async (how) => {
    const cluster = await startControlPlane({ components: [] });
    const own = await operatorClient(cluster.kubeconfigPath);
    const informer = new Informer(options({ client: own, namespace: 'default', labelSelector: 'outage' }));
    const apply = (name: string): Promise<unknown> =>
      own.apply(
        CONFIG_MAPS,
        configMap('default', name, {}, { outage: 'yes' }),
        { fieldManager: MANAGER },
        soon(),
      );
    try {
      await running(informer, async () => {
        await apply('before');
        await eventually(() => expect(informer.get('default', 'before')).toBeDefined());
        await cluster.stopApiServer(how);
        await eventually(() => expect(informer.state).toBe('Retrying'));
        expect(informer.size).toBe(1);
        await cluster.startApiServer();
        await eventually(() => apply('after'));
        await eventually(() => expect(informer.get('default', 'after')).toBeDefined());
        expect([informer.state, informer.size]).toEqual(['Live', 2]);
      });
    } finally {
      await own.close();
      await cluster.stop();
    }
  });
});
