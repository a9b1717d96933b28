import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ApplyConflictError, InvalidObjectError, TerminalError } from '../../../src/errors.ts';
import {
  type CallRecord,
  CONFIG_MAPS,
  conflictSubject,
  isAlreadyExists,
  isConflict,
  isKindNotServed,
  isNamespaceMissing,
  isNotFound,
  isPatchRejected,
  isPreconditionFailed,
  NAMESPACES,
  type OperatorClient,
  type Resource,
  SECRETS,
} from '../../../src/kube/index.ts';
import { configMap, dropNamespace, freshNamespace, MANAGER, operatorClient, soon } from './cluster.ts';

const { kubeconfigPath } = inject('controlPlane');
const DEPLOYMENTS: Resource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
  verbs: [],
};
const OTHER_UID = '11111111-1111-1111-1111-111111111111';
const calls: CallRecord[] = [];
let client: OperatorClient;
let namespace: string;

beforeAll(async () => {
  client = await operatorClient(kubeconfigPath, (call) => calls.push(call));
  namespace = await freshNamespace(client, 'client');
});

afterAll(async () => {
  await dropNamespace(client, namespace);
  await client.close();
});

function apply(
  name: string,
  data: Record<string, string>,
  manager: string = MANAGER,
): ReturnType<OperatorClient['apply']> {
  return client.apply(CONFIG_MAPS, configMap(namespace, name, data), { fieldManager: manager }, soon());
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('apply', () => {
  it('tells created from found', async () => {
    const first = await apply('created', { x: '1' });
    const second = await apply('created', { x: '1' });
    expect([first.isCreated, second.isCreated]).toEqual([true, false]);
    expect(second.object.metadata.resourceVersion).toBe(first.object.metadata.resourceVersion);
  });

  it('names the managers and fields of a conflict, and takes them by force', async () => {
    await apply('contested', { x: '1', y: '1' }, 'pequod/shop/one');
    const error = await failure(apply('contested', { x: '2', y: '2' }, 'pequod/shop/two'));
    expect(error instanceof ApplyConflictError && error.conflicts).toEqual([
      { manager: 'pequod/shop/one', field: '.data.x' },
      { manager: 'pequod/shop/one', field: '.data.y' },
    ]);
    const object = configMap(namespace, 'contested', { x: '2' });
    const forced = await client.apply(
      CONFIG_MAPS,
      object,
      { fieldManager: 'pequod/shop/two', force: true },
      soon(),
    );
    expect(forced.object['data']).toEqual({ x: '2', y: '1' });
  });

  it('never sends back what belongs to the server', async () => {
    const { object } = await apply('read-back', { x: '1' });
    await apply('read-back', { x: '2' });
    const stale = { ...object, data: { x: '3' }, status: { phase: 'made up' } };
    const again = await client.apply(CONFIG_MAPS, stale, { fieldManager: MANAGER }, soon());
    expect(again.object['data']).toEqual({ x: '3' });
  });

  it('keeps to the object that its guards name', async () => {
    const { object } = await apply('guarded', { x: '1' });
    const { uid, resourceVersion } = object.metadata;
    await apply('guarded', { x: '2' });
    const send = (
      name: string,
      guard: { uid?: string | undefined; resourceVersion?: string | undefined },
    ): Promise<unknown> =>
      client.apply(
        CONFIG_MAPS,
        configMap(namespace, name, { x: '3' }),
        { fieldManager: MANAGER, ...guard },
        soon(),
      );
    const wrongUid = await failure(send('guarded', { uid: OTHER_UID }));
    const missing = await failure(send('guarded-missing', { uid: OTHER_UID }));
    const stale = await failure(send('guarded', { uid, resourceVersion }));
    expect([wrongUid, missing, stale].map(conflictSubject)).toEqual(['uid', 'uid', 'resourceVersion']);
    expect(await failure(send('guarded', { uid }))).toBeUndefined();
  });

  it('stores nothing on a dry run', async () => {
    const object = configMap(namespace, 'dry', { x: '1' });
    const answer = await client.apply(CONFIG_MAPS, object, { fieldManager: MANAGER, dryRun: true }, soon());
    expect(answer.object['data']).toEqual({ x: '1' });
    expect(isNotFound(await failure(client.get(CONFIG_MAPS, { namespace, name: 'dry' }, soon())))).toBe(true);
  });

  it.each([
    ['an unknown field', { replicas: 1, bogus: true }, '.spec.bogus'],
    ['a wrong type', { replicas: 'three' }, '.spec.replicas'],
    ['missing fields', { selector: { matchLabels: { a: 'b' } } }, 'spec.template.metadata.labels'],
  ])('blames the object for %s', async (_what, spec, field) => {
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bad', namespace }, spec };
    const error = await failure(client.apply(DEPLOYMENTS, object, { fieldManager: MANAGER }, soon()));
    expect(error instanceof InvalidObjectError && error.field).toBe(field);
  });

  it('blames the object for what can not be converted, without quoting a Secret', async () => {
    const secret = (fields: object) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace },
      ...fields,
    });
    const options = { fieldManager: MANAGER };
    const encoded = await failure(client.apply(SECRETS, secret({ data: { x: '###' } }), options, soon()));
    const typed = await failure(
      client.apply(SECRETS, secret({ stringData: { x: 987654 } }), options, soon()),
    );
    expect(encoded).toBeInstanceOf(InvalidObjectError);
    expect(typed instanceof InvalidObjectError && typed.field).toBe('.stringData.x');
    expect(String(typed)).not.toContain('987654');
  });

  it('refuses a field manager that is too long before it sends anything', async () => {
    const before = calls.length;
    expect(await failure(apply('long', {}, 'é'.repeat(65)))).toBeInstanceOf(TerminalError);
    expect(await failure(apply('long', {}, ''))).toBeInstanceOf(TerminalError);
    expect(calls.length).toBe(before);
    expect((await apply('long', {}, 'é'.repeat(64))).isCreated).toBe(true);
  });

  it('refuses a namespace on what has none', async () => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', namespace } };
    const error = await failure(client.apply(NAMESPACES, object, { fieldManager: MANAGER }, soon()));
    expect(error instanceof InvalidObjectError && error.field).toBe('metadata.namespace');
  });

  it('into a namespace that does not exist says so', async () => {
    const object = configMap('no-such-namespace', 'x', {});
    const error = await failure(client.apply(CONFIG_MAPS, object, { fieldManager: MANAGER }, soon()));
    expect([isNamespaceMissing(error), isNotFound(error)]).toEqual([true, false]);
  });
});

describe('reading', () => {
  it('tells a missing object from a kind that is not served', async () => {
    const key = { namespace, name: 'nothing' };
    expect(isNotFound(await failure(client.get(CONFIG_MAPS, key, soon())))).toBe(true);
    for (const group of ['apps', 'nothing.example.org']) {
      const error = await failure(client.get({ ...DEPLOYMENTS, group, plural: 'foos' }, key, soon()));
      expect([isKindNotServed(error), isNotFound(error)]).toEqual([true, false]);
    }
  });

  it('refuses names that would reach something else', async () => {
    for (const name of ['', '.', '..', 'a/b', 'a%2fb']) {
      const options = { propagationPolicy: 'Background' } as const;
      expect(await failure(client.delete(CONFIG_MAPS, { namespace, name }, options, soon()))).toBeInstanceOf(
        TerminalError,
      );
    }
    expect(await failure(client.get(CONFIG_MAPS, { name: 'x' }, soon()))).toBeInstanceOf(TerminalError);
    expect(await failure(client.get(NAMESPACES, { namespace, name: 'x' }, soon()))).toBeInstanceOf(
      TerminalError,
    );
  });

  it('lists in pages, all of one moment', async () => {
    const labels = { set: 'pages' };
    for (let index = 0; index < 7; index += 1) {
      await client.create(CONFIG_MAPS, configMap(namespace, `page-${index}`, {}, labels), {}, soon());
    }
    const options = { namespace, labelSelector: 'set=pages', pageSize: 3 };
    const pages = [];
    for await (const page of client.list(CONFIG_MAPS, options, soon())) pages.push(page);
    expect(pages.map((page) => page.items.length)).toEqual([3, 3, 1]);
    expect(new Set(pages.map((page) => page.resourceVersion)).size).toBe(1);
    expect(pages[0]?.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    const metadataOnly = await client.listAll(CONFIG_MAPS, { ...options, isMetadataOnly: true }, soon());
    expect(metadataOnly.map((object) => object['data'])).toEqual(Array(7).fill(undefined));
    const none = await client.listAll(
      CONFIG_MAPS,
      { namespace, labelSelector: 'set=none', isMetadataOnly: true },
      soon(),
    );
    expect(none).toEqual([]);
  });
});

describe('patches', () => {
  it('change what they say, and notice what changed before them', async () => {
    const { object } = await apply('patched', { x: '1' });
    const key = { namespace, name: 'patched' };
    const merged = await client.mergePatch(
      CONFIG_MAPS,
      key,
      { data: { x: null, y: '2' } },
      { fieldManager: 'other' },
      soon(),
    );
    expect(merged['data']).toEqual({ y: '2' });
    const stale = [
      { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion ?? '' },
      { op: 'add', path: '/data/z', value: '3' },
    ] as const;
    expect(isConflict(await failure(client.jsonPatch(CONFIG_MAPS, key, stale, {}, soon())))).toBe(true);
    const wrong = [{ op: 'test', path: '/metadata/uid', value: OTHER_UID }] as const;
    const error = await failure(client.jsonPatch(CONFIG_MAPS, key, wrong, {}, soon()));
    expect([isPatchRejected(error), isPreconditionFailed(error)]).toEqual([true, true]);
  });

  it('of a taken name', async () => {
    await apply('taken', {});
    const error = await failure(client.create(CONFIG_MAPS, configMap(namespace, 'taken', {}), {}, soon()));
    expect([isAlreadyExists(error), isConflict(error)]).toEqual([true, false]);
  });
});

describe('delete', () => {
  const background = { propagationPolicy: 'Background' } as const;

  it('happens to the object that was meant, once', async () => {
    const { object } = await apply('doomed', { x: '1' });
    const { uid, resourceVersion } = object.metadata;
    const key = { namespace, name: 'doomed' };
    const remove = (options: object) =>
      client.delete(CONFIG_MAPS, key, { ...background, ...options }, soon());
    expect(conflictSubject(await failure(remove({ uid: OTHER_UID })))).toBe('uid');
    expect(conflictSubject(await failure(remove({ uid, resourceVersion: '1' })))).toBe('resourceVersion');
    expect(await remove({ uid, resourceVersion })).toEqual({ state: 'gone' });
    expect(await remove({ uid })).toEqual({ state: 'gone' });
  });

  it('is in progress while something holds the object', async () => {
    const held = configMap(namespace, 'held', {});
    const metadata = { ...held.metadata, finalizers: ['example.org/hold'] };
    await client.create(CONFIG_MAPS, { ...held, metadata }, {}, soon());
    const key = { namespace, name: 'held' };
    const result = await client.delete(CONFIG_MAPS, key, background, soon());
    expect(result.state === 'deleting' && result.object.metadata.deletionTimestamp).toBeTruthy();
    const operations = [{ op: 'remove', path: '/metadata/finalizers' }] as const;
    await client.jsonPatch(CONFIG_MAPS, key, operations, {}, soon());
    expect(await client.delete(CONFIG_MAPS, key, background, soon())).toEqual({ state: 'gone' });
  });

  it('in the foreground waits for dependents', async () => {
    await apply('foreground', {});
    const options = { propagationPolicy: 'Foreground' } as const;
    const result = await client.delete(CONFIG_MAPS, { namespace, name: 'foreground' }, options, soon());
    expect(result.state).toBe('deleting');
  });
});

describe('calls', () => {
  it('are reported with verb, resource and code, and without names', async () => {
    calls.length = 0;
    await failure(client.get(CONFIG_MAPS, { namespace, name: 'nothing' }, soon()));
    expect(calls).toEqual([
      { verb: 'get', resource: 'configmaps', code: 404, durationMs: expect.any(Number), identity: undefined },
    ]);
  });
});
