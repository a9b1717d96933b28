import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  ApiError,
  CONFIG_MAPS,
  isTooManyRequests,
  isUnauthorized,
  serviceAccountIdentity,
  TransportError,
} from '../../../src/kube/index.ts';
import { eventually } from '../eventually.ts';
import { configMap, soon } from './cluster.ts';
import {
  type Answer,
  clientOf,
  type ScriptedClientOptions,
  ScriptedServer,
  sendJson,
  sendStatus,
} from './scripted-server.ts';

const KEY = { namespace: 'shop', name: 'web' };
const OBJECT = configMap('shop', 'web', {});

async function scripted<T>(
  answer: Answer,
  run: (client: ReturnType<typeof clientOf>, server: ScriptedServer) => Promise<T>,
  options: ScriptedClientOptions = {},
): Promise<T> {
  await using server = await ScriptedServer.start(answer);
  const client = clientOf(server, options);
  try {
    return await run(client, server);
  } finally {
    await client.close();
  }
}

/** What a GET fails with. */
function failureOf(answer: Answer, options: ScriptedClientOptions = {}): Promise<unknown> {
  return scripted(
    answer,
    (client) => client.get(CONFIG_MAPS, KEY, soon()).then(String, (error: unknown) => error),
    options,
  );
}

function kindOf(error: unknown): string {
  return error instanceof TransportError ? error.kind : String(error);
}

describe('a call', () => {
  it('ends at its deadline when no answer comes, or only half of one', async () => {
    expect(kindOf(await failureOf(() => undefined, { timeoutMs: 50 }))).toBe('timeout');
    const half: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"apiVersion":');
    };
    expect(kindOf(await failureOf(half, { timeoutMs: 50 }))).toBe('timeout');
  });

  it('tells a reset, a cut answer and a broken one', async () => {
    expect(kindOf(await failureOf((response) => response.destroy()))).toBe('connection');
    const cut: Answer = (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"apiVersion":', () => response.destroy());
    };
    expect(kindOf(await failureOf(cut))).toBe('connection');
    expect(kindOf(await failureOf((response) => response.end('{"apiVersion":')))).toBe('badResponse');
    expect(kindOf(await failureOf((response) => response.end('{"items":[]}')))).toBe('badResponse');
  });

  it('reads no more than the limit', async () => {
    const big: Answer = (response) => sendJson(response, 200, { data: 'x'.repeat(5_000) });
    expect(kindOf(await failureOf(big, { maxResponseBytes: 4_096 }))).toBe('tooLarge');
  });

  it('understands errors of any size and shape', async () => {
    const proxy = await failureOf((response) => response.writeHead(502).end('<html>bad gateway</html>'));
    expect(proxy instanceof ApiError && [proxy.statusCode, proxy.isJsonStatus]).toEqual([502, false]);
    const huge = await failureOf((response) => sendStatus(response, 500, 'x'.repeat(3_000_000)));
    expect(huge instanceof ApiError && huge.message.length).toBeLessThan(1_000);
  });

  it('hands on what the server asks to wait', async () => {
    const error = await failureOf((response) => {
      response.setHeader('retry-after', '7');
      sendStatus(response, 429, 'TooManyRequests');
    });
    expect(isTooManyRequests(error) && error.retry).toEqual({ afterMs: 7_000 });
  });

  it('is aborted down to the socket', async () => {
    await scripted(
      () => undefined,
      async (client, server) => {
        const controller = new AbortController();
        const call = client.get(CONFIG_MAPS, KEY, controller.signal);
        await eventually(() => expect(server.seen).toHaveLength(1));
        controller.abort(new Error('given up'));
        await expect(call).rejects.toThrow('given up');
        await eventually(() => expect(server.openSockets).toBe(0));
      },
    );
  });

  it('follows no redirect', async () => {
    const error = await failureOf((response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    );
    expect(error instanceof ApiError && error.statusCode).toBe(302);
  });
});

describe('many calls', () => {
  it('are limited in flight, and one that is aborted leaves the queue', async () => {
    const held: (() => void)[] = [];
    await scripted(
      (response) => held.push(() => sendJson(response, 200, OBJECT)),
      async (client, server) => {
        const calls = [1, 2, 3].map(() => client.get(CONFIG_MAPS, KEY, soon()));
        const queued = new AbortController();
        const aborted = client.get(CONFIG_MAPS, KEY, queued.signal);
        await eventually(() => expect(held).toHaveLength(2));
        await turn();
        expect(server.seen).toHaveLength(2);
        queued.abort(new Error('given up'));
        await expect(aborted).rejects.toThrow('given up');
        for (const answer of held.splice(0)) answer();
        await eventually(() => expect(held).toHaveLength(1));
        for (const answer of held.splice(0)) answer();
        expect(await Promise.all(calls)).toHaveLength(3);
        expect(server.seen).toHaveLength(3);
      },
      { maxInFlight: 2 },
    );
  });

  it('share few sockets, errors included', async () => {
    await scripted(
      (response, request) =>
        request.url.searchParams.has('dryRun')
          ? sendStatus(response, 409, 'Conflict')
          : sendJson(response, 201, OBJECT),
      async (client, server) => {
        const calls = Array.from({ length: 500 }, (_, index) =>
          client.create(CONFIG_MAPS, OBJECT, { dryRun: index % 2 === 0 }, soon()).catch(String),
        );
        expect(await Promise.all(calls)).toHaveLength(500);
        expect(server.connectionCount).toBeLessThanOrEqual(8);
      },
      { maxInFlight: 8 },
    );
  });
});

describe('credentials', () => {
  it('are asked for anew, once, when the server refuses them', async () => {
    const asked: boolean[] = [];
    const token = async (isRefused: boolean): Promise<string> => {
      asked.push(isRefused);
      return isRefused ? 'new' : 'old';
    };
    const onlyNew: Answer = (response, request) =>
      request.headers.authorization === 'Bearer new'
        ? sendJson(response, 200, OBJECT)
        : sendStatus(response, 401, 'Unauthorized');
    await scripted(
      onlyNew,
      async (client, server) => {
        expect((await client.get(CONFIG_MAPS, KEY, soon())).metadata.name).toBe('web');
        expect((await client.get(CONFIG_MAPS, KEY, soon())).metadata.name).toBe('web');
        expect(server.seen).toHaveLength(3);
      },
      { token },
    );
    expect(asked).toEqual([false, true]);
    const refused = await failureOf((response) => sendStatus(response, 401, 'Unauthorized'), { token });
    expect(isUnauthorized(refused)).toBe(true);
  });

  it('of a tenant go with every call of its client, and with no other', async () => {
    await scripted(
      (response) => response.end(`${JSON.stringify(OBJECT)}\n`),
      async (client, server) => {
        const tenant = client.forServiceAccount(serviceAccountIdentity('shop', 'deployer'));
        expect(client.forServiceAccount(serviceAccountIdentity('shop', 'deployer'))).toBe(tenant);
        await tenant.get(CONFIG_MAPS, KEY, soon());
        await tenant.apply(CONFIG_MAPS, OBJECT, { fieldManager: 'm' }, soon());
        await tenant.jsonPatch(CONFIG_MAPS, KEY, [], {}, soon());
        await tenant.delete(CONFIG_MAPS, KEY, { propagationPolicy: 'Background' }, soon());
        await tenant.selfSubjectRulesReview('shop', soon());
        await (await tenant.watch(CONFIG_MAPS, { timeoutSeconds: 1 }, soon())).return(undefined);
        const users = server.seen.map((request) => request.headers['impersonate-user']);
        expect(users).toEqual(Array(6).fill('system:serviceaccount:shop:deployer'));
        await client.get(CONFIG_MAPS, KEY, soon());
        expect(server.seen.at(-1)?.headers).not.toHaveProperty('impersonate-user');
        expect(server.seen.at(-1)?.headers['user-agent']).toBe('pequod/1.2.3');
      },
    );
  });
});
