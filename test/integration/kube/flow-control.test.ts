import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  ApiError,
  CONFIG_MAPS,
  isTooManyRequests,
  LEASES,
  type OperatorClient,
  serviceAccountIdentity,
  type TenantClient,
  type Throttling,
} from '../../../src/kube/index.ts';
import { eventually } from '../eventually.ts';
import { configMap, soon } from './cluster.ts';
import {
  type Answer,
  clientOf,
  openWatch,
  type ScriptedClientOptions,
  ScriptedServer,
  sendJson,
  sendStatus,
} from './scripted-server.ts';

const KEY = { namespace: 'shop', name: 'web' };
const OBJECT = configMap('shop', 'web', {});

interface Scene extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly operator: OperatorClient;
  readonly a: TenantClient;
  readonly b: TenantClient;
}

async function sceneOf(answer: Answer, options: ScriptedClientOptions = {}): Promise<Scene> {
  const server = await ScriptedServer.start(answer);
  const operator = clientOf(server, options);
  return {
    server,
    operator,
    a: operator.forServiceAccount(serviceAccountIdentity('shop', 'a')),
    b: operator.forServiceAccount(serviceAccountIdentity('shop', 'b')),
    [Symbol.asyncDispose]: async () => {
      await operator.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function refuse(response: Parameters<Answer>[0], status: 429 | 503, seconds: number): void {
  response.setHeader('retry-after', String(seconds));
  sendStatus(response, status, status === 429 ? 'TooManyRequests' : 'ServiceUnavailable');
}

/** Refuses the first requests for which that is said, and answers all others. */
function refusing(
  status: 429 | 503,
  seconds: number,
  isConcerned: (request: Parameters<Answer>[1]) => boolean,
  times = 1,
): { readonly answer: Answer; readonly refusedAtMs: number[]; readonly answeredAtMs: number[] } {
  const refusedAtMs: number[] = [];
  const answeredAtMs: number[] = [];
  const answer: Answer = (response, request) => {
    if (refusedAtMs.length < times && isConcerned(request)) {
      refusedAtMs.push(performance.now());
      refuse(response, status, seconds);
      return;
    }
    if (isConcerned(request)) answeredAtMs.push(performance.now());
    if (request.url.searchParams.has('watch')) openWatch(response);
    else sendJson(response, 200, OBJECT);
  };
  return { answer, refusedAtMs, answeredAtMs };
}

const isOfA: (request: Parameters<Answer>[1]) => boolean = ({ headers }) =>
  headers['impersonate-user'] === 'system:serviceaccount:shop:a';

function waitedMs({ refusedAtMs, answeredAtMs }: ReturnType<typeof refusing>): number {
  return Math.min(...answeredAtMs) - Math.max(...refusedAtMs);
}

const apply = (client: TenantClient | OperatorClient): Promise<unknown> =>
  client.apply(CONFIG_MAPS, OBJECT, { fieldManager: 'm' }, soon());

describe('a 429', () => {
  it('is obeyed by all calls of its flow, watches too, and by no other', async () => {
    const script = refusing(429, 1, isOfA);
    await using scene = await sceneOf(script.answer);
    const { a, b, operator, server } = scene;
    const first = apply(a);
    await eventually(() => expect(script.refusedAtMs).toHaveLength(1));
    // The answer has to arrive before it can be known.
    await eventually(() => expect(server.seen).toHaveLength(1));
    await delay(50);
    const watching = a.watch(CONFIG_MAPS, { timeoutSeconds: 5 }, soon());
    const others = [a.get(CONFIG_MAPS, KEY, soon()), a.create(CONFIG_MAPS, OBJECT, {}, soon()), first];
    await Promise.all([apply(b), operator.get(CONFIG_MAPS, KEY, soon())]);
    expect(script.answeredAtMs).toEqual([]);
    await Promise.all(others);
    await (await watching).return(undefined);
    expect(script.answeredAtMs).toHaveLength(4);
    expect(waitedMs(script)).toBeGreaterThanOrEqual(1_000);
    expect(server.seen).toHaveLength(7);
  });

  it('of a watch is obeyed by calls', async () => {
    const script = refusing(429, 1, isOfA);
    await using scene = await sceneOf(script.answer);
    const watch = scene.a.watch(CONFIG_MAPS, { timeoutSeconds: 5 }, soon());
    await expect(watch).rejects.toSatisfy(isTooManyRequests);
    await apply(scene.a);
    expect(waitedMs(script)).toBeGreaterThanOrEqual(1_000);
  });

  it('that wants a long wait fails at once, and what is asked meanwhile does not go out', async () => {
    const script = refusing(429, 60, isOfA);
    await using scene = await sceneOf(script.answer);
    await expect(apply(scene.a)).rejects.toMatchObject({ retry: { afterMs: 60_000 } });
    const again: unknown = await scene.a.get(CONFIG_MAPS, KEY, soon()).catch((error: unknown) => error);
    expect(isTooManyRequests(again) && String(again)).toContain('get configmaps: not sent');
    expect(again instanceof ApiError && again.retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(again instanceof ApiError && again.retryAfterMs).toBeGreaterThan(50_000);
    expect(scene.server.seen).toHaveLength(1);
  });

  it('is followed once within a call, and then handed on', async () => {
    const script = refusing(429, 1, isOfA, 5);
    await using scene = await sceneOf(script.answer);
    await expect(apply(scene.a)).rejects.toSatisfy(isTooManyRequests);
    expect(scene.server.seen).toHaveLength(2);
  });

  it('is counted by what it was and whose call it met', async () => {
    const counted: Throttling[] = [];
    const script = refusing(429, 1, () => true);
    await using scene = await sceneOf(script.answer, {
      onThrottled: (throttling) => counted.push(throttling),
    });
    await scene.operator.get(CONFIG_MAPS, KEY, soon());
    await using busy = await sceneOf((response) => refuse(response, 503, 60), {
      onThrottled: (throttling) => counted.push(throttling),
    });
    await expect(apply(busy.a)).rejects.toThrow();
    await expect(apply(busy.a)).rejects.toThrow('not sent');
    expect(counted).toEqual([
      { by: '429', who: 'operator' },
      { by: '503', who: 'tenant' },
    ]);
  });
});

describe('a 503', () => {
  it('that says when to come back is obeyed, and a write is not repeated', async () => {
    const script = refusing(503, 1, isOfA);
    await using scene = await sceneOf(script.answer);
    await expect(apply(scene.a)).rejects.toMatchObject({ code: 'API_SERVER_ERROR' });
    expect(scene.server.seen).toHaveLength(1);
    await apply(scene.a);
    expect(waitedMs(script)).toBeGreaterThanOrEqual(1_000);
  });
});

describe('an answer that breaks off', () => {
  const broken: Readonly<Record<string, Answer>> = {
    reset: (response) => response.destroy(),
    'cut off': (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"apiVersion":', () => response.destroy());
    },
    'half a document': (response) => response.end('{"apiVersion":'),
  };

  it.each(Object.entries(broken))('%s: a read is made once more, a write is not', async (_, fault) => {
    let faults = 1;
    await using scene = await sceneOf((response, request) => {
      faults -= 1;
      if (faults >= 0) fault(response, request);
      else sendJson(response, 200, OBJECT);
    });
    await scene.a.get(CONFIG_MAPS, KEY, soon());
    expect(scene.server.seen).toHaveLength(2);
    faults = 1;
    await expect(apply(scene.a)).rejects.toMatchObject({ reason: 'ApiServerUnavailable' });
    expect(scene.server.seen).toHaveLength(3);
    faults = 2;
    await expect(scene.a.get(CONFIG_MAPS, KEY, soon())).rejects.toMatchObject({
      reason: 'ApiServerUnavailable',
    });
    expect(scene.server.seen).toHaveLength(5);
  });
});

describe('many calls', () => {
  it('of one tenant leave places and turns to others, and lease calls wait for nobody', async () => {
    const held: (() => void)[] = [];
    const isLease = (path: string): boolean => path.includes('/leases/');
    await using scene = await sceneOf(
      (response, request) => {
        const answer = (): void => sendJson(response, 200, OBJECT);
        if (isLease(request.url.pathname)) answer();
        else held.push(answer);
      },
      { maxInFlight: 8 },
    );
    const { a, b, operator, server } = scene;
    const calls = Array.from({ length: 50 }, () => a.get(CONFIG_MAPS, KEY, soon()));
    await eventually(() => expect(operator.load).toEqual({ inFlight: 6, waiting: 44, limit: 8 }));
    calls.push(b.get(CONFIG_MAPS, KEY, soon()), operator.get(CONFIG_MAPS, KEY, soon()));
    await eventually(() => expect(held).toHaveLength(8));
    await operator.mergePatch(LEASES, KEY, {}, {}, soon());
    expect(server.seen.filter(({ url }) => isLease(url.pathname))).toHaveLength(1);
    const answering = setInterval(() => {
      for (const answer of held.splice(0)) answer();
    }, 1);
    await Promise.all(calls);
    clearInterval(answering);
    expect(operator.load).toEqual({ inFlight: 0, waiting: 0, limit: 8 });
  });

  it('become fewer where several flows are told to slow down, and more again', async () => {
    let isBusy = true;
    const answer: Answer = (response) => {
      if (isBusy) refuse(response, 503, 1);
      else sendJson(response, 200, OBJECT);
    };
    await using scene = await sceneOf(answer, { maxInFlight: 12 });
    const { a, b, operator } = scene;
    const tries = [a, b].flatMap((client) => Array.from({ length: 20 }, () => apply(client)));
    await Promise.allSettled(tries);
    expect(operator.load.limit).toBeLessThan(12);
    isBusy = false;
    for (let call = 0; operator.load.limit < 12; call += 1) {
      expect(call).toBeLessThan(200);
      await operator.get(CONFIG_MAPS, KEY, soon());
    }
  });
});

it('a look at a busy server obeys it, and what it says to calls does not hold for looks', async () => {
  const looks = refusing(429, 60, ({ url }) => url.pathname === '/readyz');
  await using scene = await sceneOf(looks.answer);
  const { operator, server } = scene;
  await expect(operator.checkServing(soon())).rejects.toSatisfy(isTooManyRequests);
  await expect(operator.checkServing(soon())).rejects.toThrow('not sent');
  await operator.get(CONFIG_MAPS, KEY, soon());
  expect(server.seen).toHaveLength(2);
});
