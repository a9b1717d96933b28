import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type CallRecord, type OperatorClient, RestMapper } from '../../../src/kube/index.ts';
import { eventually } from '../eventually.ts';
import { applyCrd, dropCrd, operatorClient, soon, testKind } from './cluster.ts';
import { clientOf, ScriptedServer, sendJson, sendStatus } from './scripted-server.ts';

const { kubeconfigPath } = inject('controlPlane');
const DEPLOYMENT = { group: 'apps', version: 'v1', kind: 'Deployment' };
const calls: CallRecord[] = [];
let client: OperatorClient;

beforeAll(async () => {
  client = await operatorClient(kubeconfigPath, (call) => calls.push(call));
});

afterAll(() => client.close());

describe('the mapper', () => {
  it('knows every kind after one look, however many ask', async () => {
    const mapper = new RestMapper({ client, now: Date.now });
    expect(mapper.peek(DEPLOYMENT)).toBeUndefined();
    expect(mapper.isFresh('apps')).toBe(false);
    calls.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => mapper.resolve(DEPLOYMENT, soon())));
    expect(answers[19]).toMatchObject({ ...DEPLOYMENT, plural: 'deployments', namespaced: true });
    expect(answers[0]?.verbs).toContain('patch');
    const namespace = await mapper.resolve({ group: '', version: 'v1', kind: 'Namespace' }, soon());
    expect(namespace).toMatchObject({ plural: 'namespaces', namespaced: false });
    expect(mapper.preferredVersion('autoscaling')).toBe('v2');
    expect(mapper.isFresh('apps')).toBe(true);
    expect(calls.map((call) => call.resource).sort()).toEqual(['/api', '/apis']);
  });

  it('does not ask again and again for what does not exist', async () => {
    const mapper = new RestMapper({ client, now: () => 0 });
    calls.length = 0;
    for (let index = 0; index < 10; index += 1) {
      expect(
        await mapper.resolve({ group: 'nothing.example.org', version: 'v1', kind: `K${index}` }, soon()),
      ).toBeUndefined();
    }
    expect(calls).toHaveLength(2);
  });

  it('finds a kind that has come, and loses one that has gone', async () => {
    let nowMs = 0;
    const mapper = new RestMapper({ client, now: () => nowMs });
    const kind = testKind();
    expect(await mapper.resolve(kind.resource, soon())).toBeUndefined();
    await applyCrd(client, kind);
    await eventually(async () => {
      nowMs += 2_000;
      expect(await mapper.resolve(kind.resource, soon())).toMatchObject({
        plural: 'widgets',
        namespaced: true,
      });
    });
    await dropCrd(client, kind);
    await eventually(async () => {
      mapper.invalidate();
      expect(await mapper.resolve(kind.resource, soon())).toBeUndefined();
    });
    expect(mapper.isFresh(kind.resource.group)).toBe(true);
    calls.length = 0;
    mapper.invalidate();
    expect(mapper.isFresh('apps')).toBe(false);
    await mapper.resolve(DEPLOYMENT, soon());
    expect(calls.map((call) => call.code)).toEqual([304, 304]);
  });
});

describe('the mapper on a server without aggregated discovery', () => {
  it('reads group by group, and one that is broken hides only itself', async () => {
    const documents: Record<string, object> = {
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/api/v1': {
        kind: 'APIResourceList',
        resources: [
          { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['list'] },
          { name: 'pods/status', kind: 'Pod', namespaced: true, verbs: ['get'] },
        ],
      },
      '/apis': {
        kind: 'APIGroupList',
        groups: [
          {
            name: 'a.example.org',
            versions: [{ version: 'v1' }, { version: 'v2' }],
            preferredVersion: { version: 'v2' },
          },
          { name: 'broken.example.org', versions: [{ version: 'v1' }], preferredVersion: { version: 'v1' } },
        ],
      },
      '/apis/a.example.org/v1': { kind: 'APIResourceList', resources: [] },
      '/apis/a.example.org/v2': {
        kind: 'APIResourceList',
        resources: [{ name: 'as', kind: 'A', namespaced: false, verbs: [] }],
      },
    };
    await using server = await ScriptedServer.start((response, request) => {
      const document = documents[request.url.pathname];
      if (document === undefined) sendStatus(response, 503, 'ServiceUnavailable');
      else sendJson(response, 200, document);
    });
    const old = clientOf(server);
    const mapper = new RestMapper({ client: old, now: () => 0 });
    try {
      const found = await mapper.resolve({ group: 'a.example.org', version: 'v2', kind: 'A' }, soon());
      expect(found).toMatchObject({ plural: 'as', namespaced: false });
      expect(mapper.peek({ group: '', version: 'v1', kind: 'Pod' })?.plural).toBe('pods');
      expect(mapper.preferredVersion('a.example.org')).toBe('v2');
      expect([mapper.isFresh('a.example.org'), mapper.isFresh('broken.example.org')]).toEqual([true, false]);
    } finally {
      await old.close();
    }
  });

  it('says that it does not know where discovery fails', async () => {
    await using server = await ScriptedServer.start((response) =>
      sendStatus(response, 503, 'ServiceUnavailable'),
    );
    const broken = clientOf(server);
    const mapper = new RestMapper({ client: broken, now: () => 0 });
    try {
      await expect(mapper.resolve(DEPLOYMENT, soon())).rejects.toThrow('503');
      await expect(mapper.resolve(DEPLOYMENT, soon())).rejects.toThrow('503');
      expect(server.seen.length).toBeLessThanOrEqual(2);
    } finally {
      await broken.close();
    }
  });
});
