// Watches that nobody tells that they have gone blind: networks that fall silent, and servers that forgot the version
// that a watch wants to go on from.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  Informer,
  type InformerOptions,
  kubeconfigConfig,
  OperatorClient,
  type Resource,
  SECRETS,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import {
  type AuditLog,
  type AuditMark,
  type ControlPlane,
  startControlPlane,
} from '../../control-plane/index.ts';
import { Relay } from '../../faults/relay.ts';
import { eventually } from '../eventually.ts';
import { configMap, MANAGER, operatorClient, soon } from './cluster.ts';
import { bookmark, clientOf, openWatch, ScriptedServer } from './scripted-server.ts';

const NAMESPACE = 'default';
const FAST = { initialBackoffMs: 100, maxBackoffMs: 500 };

let cluster: ControlPlane;
let admin: OperatorClient;

beforeAll(async () => {
  // Without its cache the server answers watches from etcd, which forgets what was compacted.
  const apiServerFlags = ['--watch-cache=false', '--etcd-compaction-interval=1s'];
  cluster = await startControlPlane({ audit: true, components: [], apiServerFlags });
  admin = await operatorClient(cluster.kubeconfigPath);
});

afterAll(async () => {
  await admin.close();
  await cluster.stop();
});

async function clientThrough(relay: Relay): Promise<OperatorClient> {
  const config = await kubeconfigConfig({ path: cluster.kubeconfigPath });
  const basics = { version: 'relayed', log: silentLogger(), now: Date.now };
  return new OperatorClient({ ...basics, config: { ...config, server: relay.url } });
}

function informerOf(
  client: OperatorClient,
  resource: Resource,
  timing: InformerOptions<string>['timing'] = FAST,
): Informer<string> {
  return new Informer<string>({
    client,
    resource,
    namespace: NAMESPACE,
    labelSelector: 'blind=yes',
    project: (object) => object.metadata.resourceVersion ?? '',
    log: silentLogger(),
    now: Date.now,
    random: Math.random,
    timing,
  });
}

async function write(resource: Resource, name: string, value: string): Promise<void> {
  const { apiVersion, metadata } = configMap(NAMESPACE, name, {}, { blind: 'yes' });
  const content = resource.kind === 'Secret' ? { stringData: { value } } : { data: { value } };
  const object = { apiVersion, kind: resource.kind, metadata, ...content };
  await admin.apply(resource, object, { fieldManager: MANAGER, force: true }, soon());
}

/** Name and version of each object, as the server has them. */
async function versions(resource: Resource): Promise<readonly string[]> {
  const objects = await admin.listAll(resource, { namespace: NAMESPACE, labelSelector: 'blind=yes' }, soon());
  return objects.map(({ metadata }) => metadata.resourceVersion ?? '').sort();
}

async function untilSame(informer: Informer<string>): Promise<void> {
  await eventually(async () =>
    expect([...informer.values()].sort()).toEqual(await versions(informer.resource)),
  );
}

/** Kinds of which everything was asked for through the relay since the mark. */
async function listsSince(audit: AuditLog, mark: AuditMark): Promise<readonly (string | undefined)[]> {
  const calls = (await audit.since(mark)).filter(({ userAgent }) => userAgent === 'pequod/relayed');
  return calls
    .filter(({ verb, stage, requestURI }) =>
      verb === 'list'
        ? stage === 'ResponseComplete'
        : stage === 'ResponseStarted' && requestURI.includes('sendInitialEvents=true'),
    )
    .map(({ resource }) => resource)
    .sort();
}

async function untilForgotten(resource: Resource, resourceVersion: string): Promise<void> {
  await eventually(async () => {
    const frames = await admin.watch(
      resource,
      { namespace: NAMESPACE, resourceVersion, timeoutSeconds: 1 },
      soon(),
    );
    const { value } = await frames.next();
    expect(value?.type).toBe('ERROR');
  });
}

describe('watches that were cut off for so long that the server forgot where they were', () => {
  it('list once per kind, and have missed nothing', async () => {
    await using relay = await Relay.start(cluster.url);
    const client = await clientThrough(relay);
    const kinds = [CONFIG_MAPS, SECRETS];
    const informers = kinds.map((resource) => informerOf(client, resource));
    const deleted: string[] = [];
    try {
      for (const resource of kinds) for (const n of [1, 2, 3]) await write(resource, `o${n}`, 'before');
      for (const informer of informers) informer.start();
      for (const informer of informers) await untilSame(informer);
      for (const informer of informers) {
        informer.onChange((event) => event.type === 'deleted' && deleted.push(event.key.name));
      }
      const [old = ''] = await versions(CONFIG_MAPS);
      const audit = await cluster.openAuditLog();
      const mark = await audit.mark();

      relay.cut();
      for (const resource of kinds) {
        for (let edit = 0; edit < 100; edit += 1) await write(resource, `o${1 + (edit % 2)}`, `${edit}`);
        const key = { namespace: NAMESPACE, name: 'o3' };
        await admin.delete(resource, key, { propagationPolicy: 'Background' }, soon());
        await write(resource, 'o4', 'new');
      }
      await untilForgotten(CONFIG_MAPS, old);
      relay.mend();

      for (const informer of informers) await untilSame(informer);
      expect(deleted).toEqual(['o3', 'o3']);
      expect(await listsSince(audit, mark)).toEqual(['configmaps', 'secrets']);
      await audit.close();
    } finally {
      for (const informer of informers) await informer.stop();
      await client.close();
    }
  });
});

describe('a network that falls silent and tells nobody', () => {
  it('is noticed by a change of ours that does not come back; the watch goes on from where it was', async () => {
    await using relay = await Relay.start(cluster.url);
    const client = await clientThrough(relay);
    const informer = informerOf(client, CONFIG_MAPS, { ...FAST, newsTimeoutMs: 200 });
    try {
      informer.start();
      await informer.waitForSync(soon());
      const audit = await cluster.openAuditLog();
      const mark = await audit.mark();
      relay.fallSilent();
      await write(CONFIG_MAPS, 'theirs', 'while blind');
      const own = configMap(NAMESPACE, 'own', { value: 'ours' }, { blind: 'yes' });
      const { object } = await admin.apply(CONFIG_MAPS, own, { fieldManager: MANAGER }, soon());
      informer.observeOwnWrite(object);
      await eventually(() => expect(informer.get(NAMESPACE, 'theirs')).toBeDefined());
      await untilSame(informer);
      expect(await listsSince(audit, mark)).toEqual([]);
      await audit.close();
    } finally {
      await informer.stop();
      await client.close();
    }
  });

  it.skipIf(process.platform !== 'linux')('is asked by the kernel after five quiet seconds', async () => {
    await using server = await ScriptedServer.start((response) => openWatch(response, bookmark('5', true)));
    const client = clientOf(server);
    const informer = informerOf(client, CONFIG_MAPS);
    try {
      informer.start();
      await informer.waitForSync(soon());
      const { timer, ticks } = await timerOf(Number(new URL(server.url).port));
      expect(timer).toBe(KEEPALIVE_TIMER);
      expect(ticks).toBeLessThanOrEqual(5 * TICKS_PER_SECOND);
    } finally {
      await informer.stop();
      await client.close();
    }
  });
});

const KEEPALIVE_TIMER = 2;
const TICKS_PER_SECOND = 100;

/** What the kernel waits for on the connection to this port: columns of /proc/net/tcp. */
async function timerOf(port: number): Promise<{ readonly timer: number; readonly ticks: number }> {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  const [timer = '', ticks = ''] = lines.find((columns) => columns[2] === remote)?.[5]?.split(':') ?? [];
  return { timer: Number.parseInt(timer, 16), ticks: Number.parseInt(ticks, 16) };
}
