import { expect, test } from 'vitest';
import { askedDelayMs, SourceError, type SourceErrorCode } from '../errors.ts';
import { Metrics } from '../observability/index.ts';
import { Breakers, type Place } from './breakers.ts';

const never = (): AbortSignal => new AbortController().signal;
const SHOP: Place = { host: 'registry.example', asker: 'shop' };
const BANK: Place = { host: 'registry.example', asker: 'bank' };

/** One host's breaker, a clock, and how often the host was really asked. */
class World {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  asked = 0;
  readonly metrics = new Metrics();
  readonly breakers = new Breakers({ now: () => this.nowMs, metrics: this.metrics });

  /** Asks and gets this error. @returns the error that the caller sees. */
  async fail(place: Place, error: unknown, signal: AbortSignal = never()): Promise<unknown> {
    const work = (): Promise<never> => {
      this.asked += 1;
      return Promise.reject(error);
    };
    return await this.breakers.run(place, work, signal).catch((caught: unknown) => caught);
  }

  /** Asks and is answered. */
  async succeed(place: Place): Promise<unknown> {
    const work = (): Promise<string> => {
      this.asked += 1;
      return Promise.resolve('answer');
    };
    return await this.breakers.run(place, work, never()).catch((caught: unknown) => caught);
  }

  async open(): Promise<void> {
    for (const place of [SHOP, BANK, SHOP, BANK, SHOP]) await this.fail(place, unavailable());
    this.asked = 0;
  }

  async gauge(host: string): Promise<number> {
    const line = (await this.metrics.expose()).split('\n').find((text) => text.includes(`{host="${host}"}`));
    return Number(line?.split(' ').at(-1));
  }
}

function unavailable(message: string = 'connection refused'): SourceError {
  return new SourceError('SOURCE_UNAVAILABLE', message);
}

const isRefusal = (error: unknown): boolean =>
  error instanceof SourceError && error.code === 'SOURCE_UNAVAILABLE' && typeof error.retry === 'object';

test('after five failures in a row a host is left alone, and who asks is told until when', async () => {
  const world = new World();
  for (const place of [SHOP, BANK, SHOP, BANK]) await world.fail(place, unavailable());
  await expect(world.fail(SHOP, unavailable('no route'))).resolves.toMatchObject({ message: 'no route' });
  expect(world.asked).toBe(5);
  const refusal = await world.fail(SHOP, unavailable());
  expect(world.asked).toBe(5);
  expect(refusal).toMatchObject({
    code: 'SOURCE_UNAVAILABLE',
    retry: { afterMs: 30_000 },
    message:
      'registry.example does not answer (the last failure: no route); it is tried again within 5 minutes',
  });
  // The text does not change while nothing else does, so that no status is written.
  world.nowMs += 10_000;
  await expect(world.fail(SHOP, unavailable())).resolves.toMatchObject({
    message: refusal instanceof Error ? refusal.message : '',
    retry: { afterMs: 20_000 },
  });
});

test('what failed for one namespace is not told to another', async () => {
  const world = new World();
  await world.open();
  const refusal = await world.fail(BANK, unavailable());
  expect(String(refusal)).toContain('registry.example does not answer (as others found)');
});

test('one namespace alone needs three times as many failures', async () => {
  const world = new World();
  for (let count = 0; count < 14; count += 1) await world.fail(SHOP, unavailable());
  await expect(world.succeed(BANK)).resolves.toBe('answer');
  for (let count = 0; count < 15; count += 1) await world.fail(SHOP, unavailable());
  expect(isRefusal(await world.succeed(BANK))).toBe(true);
});

const OWN_FAULTS: readonly SourceErrorCode[] = [
  'SOURCE_AUTH',
  'SOURCE_CHANGED',
  'SOURCE_DIGEST',
  'SOURCE_INVALID',
  'SOURCE_NOT_FOUND',
  'SOURCE_REFUSED',
  'SOURCE_TOO_LARGE',
  'SOURCE_UNVERIFIED',
];

test.each(OWN_FAULTS)('%s never opens the circuit', async (code) => {
  const world = new World();
  for (let count = 0; count < 100; count += 1) {
    await world.fail(count % 2 === 0 ? SHOP : BANK, new SourceError(code, 'own fault'));
  }
  await expect(world.succeed(SHOP)).resolves.toBe('answer');
  expect(world.asked).toBe(101);
});

test('an answer ends the row of failures, a refusal of our own does not', async () => {
  const world = new World();
  for (const place of [SHOP, BANK, SHOP, BANK]) await world.fail(place, unavailable());
  await world.fail(SHOP, new SourceError('SOURCE_NOT_FOUND', 'no such tag'));
  for (const place of [SHOP, BANK, SHOP, BANK]) await world.fail(place, unavailable());
  await world.fail(SHOP, new SourceError('SOURCE_REFUSED', 'not on the list'));
  await world.fail(SHOP, unavailable());
  expect(isRefusal(await world.succeed(SHOP))).toBe(true);
});

test('who gives up himself says nothing of the host', async () => {
  const world = new World();
  for (let count = 0; count < 20; count += 1) {
    const controller = new AbortController();
    const work = (): Promise<never> => {
      controller.abort(new Error('enough'));
      return Promise.reject(unavailable('aborted'));
    };
    await world.breakers.run(SHOP, work, controller.signal).catch((error: unknown) => error);
  }
  await expect(world.succeed(SHOP)).resolves.toBe('answer');
  await expect(world.breakers.run(SHOP, () => Promise.resolve(1), AbortSignal.abort('no'))).rejects.toBe(
    'no',
  );
});

test('when it is time one request is a trial; all others come back later', async () => {
  const world = new World();
  await world.open();
  world.nowMs += 30_000;
  const trial = Promise.withResolvers<string>();
  const running = world.breakers.run(SHOP, () => trial.promise, never());
  await expect(world.gauge('registry.example')).resolves.toBe(1);
  const others = await Promise.all(Array.from({ length: 100 }, () => world.succeed(BANK)));
  expect(others.every(isRefusal)).toBe(true);
  expect(world.asked).toBe(0);
  trial.resolve('there again');
  await expect(running).resolves.toBe('there again');
  await expect(world.succeed(BANK)).resolves.toBe('answer');
  await expect(world.gauge('registry.example')).resolves.toBe(0);
});

test('each trial that fails doubles the time, up to five minutes; one that is answered starts anew', async () => {
  const world = new World();
  await world.open();
  const waitsMs: number[] = [];
  for (let count = 0; count < 6; count += 1) {
    const refusal = await world.succeed(SHOP);
    const waitMs = refusal instanceof SourceError ? (askedDelayMs(refusal.retry) ?? 0) : 0;
    waitsMs.push(waitMs);
    world.nowMs += waitMs;
    await world.fail(BANK, unavailable());
  }
  expect(waitsMs).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  world.nowMs += 300_000;
  // Nothing there, but the host is.
  await world.fail(SHOP, new SourceError('SOURCE_NOT_FOUND', 'no such tag'));
  await expect(world.succeed(BANK)).resolves.toBe('answer');
  await world.open();
  await expect(world.succeed(SHOP)).resolves.toMatchObject({ retry: { afterMs: 30_000 } });
});

test('a trial that its caller gives up leaves the circuit open for the next one', async () => {
  const world = new World();
  await world.open();
  world.nowMs += 30_000;
  const controller = new AbortController();
  const work = (): Promise<never> => {
    controller.abort(new Error('enough'));
    return Promise.reject(controller.signal.reason);
  };
  await expect(world.breakers.run(SHOP, work, controller.signal)).rejects.toThrow('enough');
  await expect(world.gauge('registry.example')).resolves.toBe(2);
  await expect(world.succeed(BANK)).resolves.toBe('answer');
  await expect(world.gauge('registry.example')).resolves.toBe(0);
});

test('requests that were under way when it opened, and end well, do not close it', async () => {
  const world = new World();
  const slow = Promise.withResolvers<string>();
  const running = world.breakers.run(SHOP, () => slow.promise, never());
  await world.open();
  slow.resolve('late');
  await expect(running).resolves.toBe('late');
  expect(isRefusal(await world.succeed(SHOP))).toBe(true);
});

test('a host’s word on when to come back is kept, for the credentials that it was given to', async () => {
  const world = new World();
  const limited = new SourceError('SOURCE_UNAVAILABLE', '429', { retry: { afterMs: 60_000 } });
  const mine = { ...SHOP, credentialKey: 'mine' };
  await world.fail(mine, limited);
  const refusal = await world.succeed({ ...BANK, credentialKey: 'mine' });
  expect(refusal).toMatchObject({
    message: 'registry.example has asked us to wait; it is tried again when that is over, within an hour',
    retry: { afterMs: 60_000 },
  });
  await expect(world.succeed({ ...BANK, credentialKey: 'other' })).resolves.toBe('answer');
  await expect(world.succeed(BANK)).resolves.toBe('answer');
  world.nowMs += 60_000;
  await expect(world.succeed(mine)).resolves.toBe('answer');
});

test('no host makes anybody wait for more than an hour, nor does it count as a failure', async () => {
  const world = new World();
  const limited = new SourceError('SOURCE_UNAVAILABLE', '429', { retry: { afterMs: 1e12 } });
  for (let count = 0; count < 50; count += 1) {
    await world.fail({ ...(count % 2 === 0 ? SHOP : BANK), credentialKey: `k${count}` }, limited);
  }
  await expect(world.succeed(SHOP)).resolves.toBe('answer');
  world.nowMs += 60 * 60_000;
  await expect(world.succeed({ ...SHOP, credentialKey: 'k0' })).resolves.toBe('answer');
});

test('a broken authority of one does not open the circuit for others', async () => {
  const world = new World();
  for (const place of [SHOP, BANK, SHOP, BANK, SHOP]) {
    await world.fail({ ...place, tlsKey: 'broken' }, unavailable('unknown authority'));
  }
  expect(isRefusal(await world.succeed({ ...SHOP, tlsKey: 'broken' }))).toBe(true);
  await expect(world.succeed(SHOP)).resolves.toBe('answer');
  // The gauge of the host tells the worst.
  await expect(world.gauge('registry.example')).resolves.toBe(2);
});

test('a clock that goes back keeps nobody away', async () => {
  const world = new World();
  await world.fail(BANK, new SourceError('SOURCE_UNAVAILABLE', '429', { retry: { afterMs: 60_000 } }));
  await world.open();
  world.nowMs -= 24 * 60 * 60_000;
  await expect(world.succeed(SHOP)).resolves.toBe('answer');
  await expect(world.succeed(BANK)).resolves.toBe('answer');
});

test('however many hosts there are, the gauge has about a hundred, and open ones are seen', async () => {
  const world = new World();
  for (let count = 0; count < 500; count += 1) await world.succeed({ host: `h${count}`, asker: 'shop' });
  await world.open();
  const lines = (await world.metrics.expose())
    .split('\n')
    .filter((line) => line.startsWith('pequod_circuit'));
  expect(lines).toHaveLength(101);
  await expect(world.gauge('registry.example')).resolves.toBe(2);
  await expect(world.gauge('other')).resolves.toBe(0);
});
