import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../observability/index.ts';
import { type HealthCheck, HealthServer } from './health-server.ts';

const servers: HealthServer[] = [];
const good: HealthCheck = { name: 'good', check: () => undefined };
const bad: HealthCheck = { name: 'watch of transforms', check: () => 'Retrying: connection refused' };

async function serve(live: readonly HealthCheck[], ready: readonly HealthCheck[]): Promise<string> {
  const address = { host: '127.0.0.1', port: 0 };
  const server = new HealthServer({ address, live: () => live, ready: () => ready, log: silentLogger() });
  servers.push(server);
  await server.start(new AbortController().signal);
  return `http://127.0.0.1:${server.port}`;
}

async function ask(url: string): Promise<readonly [number, string]> {
  const answer = await fetch(url);
  return [answer.status, await answer.text()];
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test('all is well: ok, and each check by name where it is asked for', async () => {
  const url = await serve([good], [good, { ...good, name: 'other' }]);
  expect(await ask(`${url}/healthz`)).toEqual([200, 'ok']);
  expect(await ask(`${url}/livez`)).toEqual([200, 'ok']);
  expect(await ask(`${url}/readyz`)).toEqual([200, 'ok']);
  expect(await ask(`${url}/readyz?verbose`)).toEqual([200, '[+]good ok\n[+]other ok\nreadyz check passed\n']);
});

test('what fails is named with its reason, and liveness is apart from readiness', async () => {
  const url = await serve([good], [good, bad]);
  expect(await ask(`${url}/readyz`)).toEqual([
    503,
    '[+]good ok\n[-]watch of transforms failed: Retrying: connection refused\nreadyz check failed\n',
  ]);
  expect(await ask(`${url}/healthz?verbose`)).toEqual([200, '[+]good ok\nhealthz check passed\n']);
});

test('a check that throws, or never answers, has failed and holds up no other', async () => {
  const throwing: HealthCheck = {
    name: 'throwing',
    check: () => {
      throw new Error('broken');
    },
  };
  const silent: HealthCheck = { name: 'silent', check: () => new Promise(() => undefined) };
  const url = await serve([throwing], [silent, good]);
  expect(await ask(`${url}/livez`)).toEqual([503, '[-]throwing failed: broken\nlivez check failed\n']);
  expect(await ask(`${url}/readyz`)).toEqual([
    503,
    '[-]silent failed: did not answer in time\n[+]good ok\nreadyz check failed\n',
  ]);
});

test('there is nothing else to be had', async () => {
  const url = await serve([good], [good]);
  expect(await ask(`${url}/`)).toEqual([404, 'not found\n']);
  expect(await ask(`${url}/metrics`)).toEqual([404, 'not found\n']);
  expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
});
