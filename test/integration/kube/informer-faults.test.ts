import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { CONFIG_MAPS, Informer, type InformerOptions, type InformerState } from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { eventually } from '../eventually.ts';
import { soon } from './cluster.ts';
import {
  bookmark,
  clientOf,
  errorFrame,
  frame,
  openWatch,
  ScriptedServer,
  type SeenRequest,
  sendJson,
  sendStatus,
} from './scripted-server.ts';

type Step = (response: ServerResponse, request: SeenRequest) => void;

interface Running {
  readonly informer: Informer<string>;
  readonly server: ScriptedServer;
  /** `set web`, `deleted web`, in order. */
  readonly events: readonly string[];
  readonly states: readonly InformerState[];
}

const FAST = { initialBackoffMs: 1, maxBackoffMs: 5, maxRefusedMs: 5 };

/** A step per request; the last one answers all that follow. */
async function run(
  steps: readonly Step[],
  check: (running: Running) => Promise<void>,
  options: Partial<InformerOptions<string>> = {},
): Promise<void> {
  let index = 0;
  await using server = await ScriptedServer.start((response, request) => {
    steps[Math.min(index++, steps.length - 1)]?.(response, request);
  });
  const client = clientOf(server, { timeoutMs: 2_000 });
  const informer = new Informer<string>({
    client,
    resource: CONFIG_MAPS,
    project: (object) => object.metadata.resourceVersion ?? '',
    log: silentLogger(),
    now: Date.now,
    random: () => 0.5,
    timing: FAST,
    ...options,
  });
  const events: string[] = [];
  const states: InformerState[] = [];
  informer.onChange((event) => events.push(`${event.type} ${event.key.name}`));
  informer.onStateChange((state) => states.push(state));
  informer.start();
  try {
    await check({ informer, server, events, states });
  } finally {
    await informer.stop();
    await client.close();
  }
}

function watchList(resourceVersion: string, ...frames: readonly object[]): Step {
  return (response) => openWatch(response, ...frames, bookmark(resourceVersion, true));
}

const WEB = frame('ADDED', 'web', '1');
const OPEN: Step = (response) => openWatch(response);

describe('an informer', () => {
  it('goes on from the last event after its stream was reset', async () => {
    const reset: Step = (response) => {
      openWatch(response, WEB, bookmark('5', true), frame('ADDED', 'db', '6'));
      response.write('', () => setTimeout(() => response.destroy(), 20));
    };
    await run([reset, OPEN], async ({ server, informer }) => {
      await eventually(() => expect(server.seen).toHaveLength(2));
      expect(server.seen[1]?.url.searchParams.get('resourceVersion')).toBe('6');
      expect(server.seen[1]?.url.searchParams.has('sendInitialEvents')).toBe(false);
      expect(informer.values()).toEqual(['1', '6']);
    });
  });

  it.each<[string, Step]>([
    ['an error frame', (response) => openWatch(response, errorFrame(410, 'Expired'))],
    ['a status', (response) => sendStatus(response, 410, 'Expired')],
  ])('lists again when its version is too old, said by %s', async (_how, tooOld) => {
    const first: Step = (response) => {
      openWatch(response, WEB, frame('ADDED', 'old', '2'), bookmark('5', true));
      response.end();
    };
    const steps = [first, tooOld, watchList('9', WEB, frame('ADDED', 'new', '8'))];
    await run(steps, async ({ server, events, informer }) => {
      await eventually(() => expect(events).toEqual(['set web', 'set old', 'set new', 'deleted old']));
      expect(server.seen[2]?.url.searchParams.get('sendInitialEvents')).toBe('true');
      expect(informer.get('shop', 'old')).toBeUndefined();
    });
  });

  it('is not ended by any error of the server', async () => {
    const steps: readonly Step[] = [
      (response) => sendStatus(response, 500, 'InternalError'),
      (response) => response.destroy(),
      (response) => response.writeHead(200).end('{"type":"ADD'),
      (response) => response.writeHead(200).end('not json\n'),
      (response) => openWatch(response, errorFrame(500, 'InternalError')),
      (response) => sendStatus(response, 401, 'Unauthorized'),
      (response) => response.writeHead(503).end('unavailable'),
      (response) => response.writeHead(200).end(),
      watchList('5', WEB),
    ];
    await run(steps, async ({ informer, server, states }) => {
      await informer.waitForSync(soon());
      expect(server.seen).toHaveLength(steps.length);
      expect([informer.state, informer.values()]).toEqual(['Live', ['1']]);
      expect(states).toEqual(['Retrying', 'Live']);
    });
  });

  it('asks for as long a life of its stream as it is told, and up to a fifth more', async () => {
    const asked = async (timing: InformerOptions<string>['timing']): Promise<unknown> => {
      let timeoutSeconds: unknown;
      await run(
        [watchList('5')],
        async ({ informer, server }) => {
          await informer.waitForSync(soon());
          timeoutSeconds = Number(server.seen[0]?.url.searchParams.get('timeoutSeconds'));
        },
        { timing: { ...FAST, ...timing }, random: () => 0.99 },
      );
      return timeoutSeconds;
    };
    expect([await asked({ minTimeoutSeconds: 20 }), await asked({})]).toEqual([24, 288]);
  });

  it('waits as long as the server asks, whoever wants it sooner', async () => {
    const fail: Step = (response) => sendStatus(response, 503, 'ServiceUnavailable');
    let askedAtMs = 0;
    let cameAtMs = 0;
    const asking: Step = (response, request) => {
      askedAtMs = performance.now();
      response.setHeader('retry-after', '2');
      fail(response, request);
    };
    const answering: Step = (response, request) => {
      cameAtMs = performance.now();
      watchList('5')(response, request);
    };
    await run([asking, answering], async ({ informer, server }) => {
      await run([fail], async (impatient) => {
        await eventually(() => expect(impatient.server.seen.length).toBeGreaterThan(10));
      });
      expect([informer.state, server.seen.length]).toEqual(['Retrying', 1]);
      informer.retryNow();
      await informer.waitForSync(soon());
    });
    expect(cameAtMs - askedAtMs).toBeGreaterThanOrEqual(2_000);
  });

  it('gives up a silent stream that used to send bookmarks', async () => {
    const silent: Step = (response) => openWatch(response, WEB, bookmark('5', true), bookmark('7'));
    await run(
      [silent, OPEN],
      async ({ server, states }) => {
        await eventually(() => expect(server.seen).toHaveLength(2));
        expect(server.seen[1]?.url.searchParams.get('resourceVersion')).toBe('7');
        expect(states).not.toContain('NotServed');
      },
      { timing: { ...FAST, idleTimeoutMs: 30 } },
    );
  });

  it('keeps what it knows when the kind is not served any more', async () => {
    const first: Step = (response) => {
      openWatch(response, WEB, bookmark('5', true));
      response.end();
    };
    const plain404: Step = (response) => response.writeHead(404).end('404 page not found\n');
    let isBack = false;
    const maybe: Step = (response, request) => (isBack ? watchList('9', WEB) : plain404)(response, request);
    await run([first, maybe], async ({ informer, events }) => {
      await eventually(() => expect(informer.state).toBe('NotServed'));
      expect(informer.hasSynced).toBe(true);
      expect(informer.get('shop', 'web')).toBe('1');
      isBack = true;
      informer.retryNow();
      await eventually(() => expect(informer.state).toBe('Live'));
      expect(events).toEqual(['set web']);
    });
  });

  it('keeps what it knows when it is forbidden, and comes back', async () => {
    const first: Step = (response) => {
      openWatch(response, WEB, bookmark('5', true));
      response.end();
    };
    const steps: readonly Step[] = [first, (response) => sendStatus(response, 403, 'Forbidden'), OPEN];
    await run(steps, async ({ informer, states, events }) => {
      await eventually(() => expect(states).toContain('Forbidden'));
      expect(informer.get('shop', 'web')).toBe('1');
      await eventually(() => expect(informer.state).toBe('Live'));
      expect(events).toEqual(['set web']);
    });
  });

  it('lists in pages where there is no WatchList', async () => {
    const item = (name: string, resourceVersion: string): object => ({
      metadata: { name, namespace: 'shop', uid: name, resourceVersion },
    });
    const steps: readonly Step[] = [
      (response) => sendStatus(response, 422, 'Invalid'),
      (response) =>
        sendJson(response, 200, {
          metadata: { resourceVersion: '7', continue: 'next' },
          items: [item('a', '1')],
        }),
      (response) => sendJson(response, 200, { metadata: { resourceVersion: '7' }, items: [item('b', '2')] }),
      OPEN,
    ];
    await run(steps, async ({ informer, server }) => {
      await eventually(() => expect(informer.state).toBe('Live'));
      expect(informer.values()).toEqual(['1', '2']);
      expect(server.seen[2]?.url.searchParams.get('continue')).toBe('next');
      expect(server.seen[3]?.url.searchParams.get('resourceVersion')).toBe('7');
    });
  });

  it('falls back to a list where a WatchList never ends', async () => {
    const list: Step = (response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '7' }, items: null });
    await run([OPEN, list, OPEN], async ({ informer }) => informer.waitForSync(soon()), {
      timing: { ...FAST, syncIdleTimeoutMs: 30 },
    });
  });

  it('does not storm a server that closes every stream', async () => {
    const close: Step = (response) => {
      openWatch(response);
      response.end();
    };
    await run(
      [close],
      async ({ server, states }) => {
        await eventually(() => expect(states).toEqual(['Retrying']));
        expect(server.seen).toHaveLength(1);
      },
      { timing: { initialBackoffMs: 60_000, maxBackoffMs: 60_000 } },
    );
  });

  it('passes over an object that it can not read, and keeps the others', async () => {
    const frames = [frame('ADDED', 'bad', '1'), frame('ADDED', 'web', '2')];
    const project = (object: { readonly metadata: { readonly name: string } }): string => {
      if (object.metadata.name === 'bad') throw new TypeError('poison');
      return object.metadata.name;
    };
    const later: Step = (response) =>
      openWatch(
        response,
        ...frames,
        bookmark('5', true),
        frame('MODIFIED', 'bad', '6'),
        frame('ADDED', 'db', '7'),
      );
    await run(
      [later],
      async ({ informer }) => {
        await eventually(() => expect(informer.values()).toEqual(['web', 'db']));
        expect(informer.state).toBe('Live');
      },
      { project },
    );
  });

  it('is not stopped by a handler that throws', async () => {
    await run([watchList('5', WEB, frame('ADDED', 'db', '2'))], async ({ informer }) => {
      const seen: string[] = [];
      informer.onChange(() => {
        throw new Error('handler is broken');
      });
      informer.onChange((event) => seen.push(event.key.name));
      await eventually(() => expect(seen).toEqual(['web', 'db']));
      expect(informer.state).toBe('Live');
    });
  });

  it('ends with stop, and its stream with it', async () => {
    await run([watchList('5', WEB)], async ({ informer, server }) => {
      await informer.waitForSync(soon());
      await informer.stop();
      await eventually(() => expect(server.openSockets).toBe(0));
      expect(informer.state).toBe('Stopped');
    });
  });
});
