// The store against an API server in memory: only what it relies on, names that are taken and objects that are not there.
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { hashJson, isJsonObject, type JsonObject, stringifyJson } from '../json/index.ts';
import { ApiError } from '../kube/index.ts';
import type { RevisionContent } from './content.ts';
import { nextNumber, type RevisionOwner, revisionName } from './history.ts';
import { RevisionStore, type RevisionWriter } from './store.ts';

const owner: RevisionOwner = { namespace: 'shop', name: 'web', uid: 'uid-1' };
const never = new AbortController().signal;

function content(text: string): RevisionContent {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { text } };
  const nodes = [{ id: 'settings', object }];
  const metadata = {
    platformRef: 'inline',
    renderHash: hashJson(nodes),
    renderedAt: '2026-11-21T10:00:00Z',
    digest: `sha256:${'0'.repeat(64)}`,
  };
  return { metadata, nodes };
}

function apiError(statusCode: number, code: string): ApiError {
  return new ApiError(code, {
    statusCode,
    statusReason: '',
    statusMessage: '',
    details: { name: '', group: '', kind: '', causes: [] },
    retryAfterMs: undefined,
    isJsonStatus: true,
    route: { verb: 'get', resource: 'controllerrevisions.apps' },
    code,
    reason: 'Test',
    retry: 'backoff',
  });
}

interface Server {
  readonly store: RevisionStore;
  readonly objects: Map<string, KubeObject>;
  readonly calls: string[];
}

function serve(): Server {
  const objects = new Map<string, KubeObject>();
  const calls: string[] = [];
  let version = 0;
  const write = (object: KubeObject): KubeObject => {
    version += 1;
    const { uid = `uid-of-${object.metadata.name}` } = object.metadata;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version) } };
    objects.set(object.metadata.name, stored);
    return stored;
  };
  const operator: RevisionWriter = {
    listAll: async (_resource, { labelSelector = '' }) => {
      calls.push('list');
      const wantsCandidates = labelSelector.endsWith(',pequod.io/candidate');
      return [...objects.values()].filter(
        ({ metadata }) => (metadata.labels?.['pequod.io/candidate'] !== undefined) === wantsCandidates,
      );
    },
    get: async (_resource, { name }) => {
      const found = objects.get(name);
      if (found === undefined) throw apiError(404, 'API_NOT_FOUND');
      return found;
    },
    create: async (_resource, object) => {
      calls.push(`create ${object.metadata.name}`);
      if (objects.has(object.metadata.name)) throw apiError(409, 'API_ALREADY_EXISTS');
      return write(object);
    },
    jsonPatch: async (_resource, { name }) => {
      calls.push(`patch ${name}`);
      const found = objects.get(name);
      if (found === undefined) throw apiError(404, 'API_NOT_FOUND');
      const labels = { ...found.metadata.labels, 'pequod.io/ready': 'true' };
      return write({ ...found, metadata: { ...found.metadata, labels } });
    },
    delete: async (_resource, { name }) => {
      calls.push(`delete ${name}`);
      objects.delete(name);
      return { state: 'gone' };
    },
  };
  return { store: new RevisionStore(operator), objects, calls };
}

async function keep(server: Server, number: number, text: string, wasReady: boolean = true): Promise<number> {
  const history = await server.store.list(owner, never);
  const graph = { number, content: content(text), wasReady };
  return (await server.store.keep(owner, graph, history, never)).number;
}

describe('keeping a graph', () => {
  test('makes one revision of it, however often it is kept', async () => {
    const server = serve();
    expect(await keep(server, 1, 'a', false)).toBe(1);
    expect(await keep(server, 1, 'a', false)).toBe(1);
    expect(server.calls.filter((call) => call !== 'list')).toEqual([`create ${revisionName(owner, 1)}`]);
    expect(await server.store.read(owner, 1, never)).toEqual(content('a'));
  });

  test('says later that it was ready, once', async () => {
    const server = serve();
    await keep(server, 1, 'a', false);
    await keep(server, 1, 'a', true);
    await keep(server, 1, 'a', true);
    await keep(server, 1, 'a', false);
    expect(server.calls.filter((call) => call.startsWith('patch'))).toHaveLength(1);
    expect((await server.store.list(owner, never))[0]?.wasReady).toBe(true);
  });

  test('takes the next number where its own holds another graph, or has a name that is taken', async () => {
    const server = serve();
    await keep(server, 1, 'a');
    expect(await keep(server, 1, 'b')).toBe(2);
    const name = revisionName(owner, 3);
    server.objects.set(name, { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name } });
    expect(await keep(server, 3, 'c')).toBe(4);
    const history = await server.store.list(owner, never);
    expect(nextNumber(history)).toBe(5);
    expect(await server.store.read(owner, 3, never)).toBeUndefined();
  });

  test('refuses what could not be stored, before anything is written', async () => {
    const server = serve();
    await expect(keep(server, 1, 'x'.repeat(5_000_000))).rejects.toMatchObject({
      code: 'REVISION_TOO_LARGE',
    });
    expect(server.calls).toEqual(['list']);
  });
});

describe('candidates', () => {
  test('are one at a time, and no part of the history', async () => {
    const server = serve();
    await keep(server, 1, 'a');
    const first = await server.store.saveCandidate(owner, content('b'), never);
    expect(await server.store.saveCandidate(owner, content('b'), never)).toBe(first);
    expect(await server.store.readCandidate(owner, first, never)).toEqual(content('b'));
    const second = await server.store.saveCandidate(owner, content('c'), never);
    expect(await server.store.readCandidate(owner, first, never)).toBeUndefined();
    expect((await server.store.list(owner, never)).map(({ number }) => number)).toEqual([1]);
    await server.store.removeCandidates(owner, undefined, never);
    expect(await server.store.readCandidate(owner, second, never)).toBeUndefined();
  });

  test('of others, or with another graph than their name says, are refused', async () => {
    const server = serve();
    const name = await server.store.saveCandidate(owner, content('b'), never);
    const stranger = { ...owner, uid: 'uid-2' };
    await expect(server.store.readCandidate(stranger, name, never)).rejects.toMatchObject({
      code: 'REVISION_INVALID',
    });
    const other = await server.store.saveCandidate(owner, content('c'), never);
    const data: JsonObject | undefined = dataOf(server.objects.get(other));
    server.objects.delete(other);
    await server.store.saveCandidate(owner, content('b'), never);
    const stored = server.objects.get(name);
    if (stored === undefined || data === undefined) throw new Error('it was saved');
    server.objects.set(name, { ...stored, data });
    await expect(server.store.readCandidate(owner, name, never)).rejects.toMatchObject({
      code: 'REVISION_INVALID',
      message: expect.stringContaining('another graph'),
    });
    expect(stringifyJson(data)).toContain('gzip');
  });
});

function dataOf(object: KubeObject | undefined): JsonObject | undefined {
  const data = object?.['data'];
  return isJsonObject(data) ? data : undefined;
}
