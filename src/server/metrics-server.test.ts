import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Metrics, silentLogger } from '../observability/index.ts';
import { MetricsServer } from './metrics-server.ts';

const never = (): AbortSignal => new AbortController().signal;
const servers: MetricsServer[] = [];

async function serve(metrics: Metrics = new Metrics(), port = 0): Promise<number> {
  const server = new MetricsServer({ address: { host: '127.0.0.1', port }, metrics, log: silentLogger() });
  servers.push(server);
  await server.start(never());
  return server.port ?? 0;
}

interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly allow: string | undefined;
  readonly text: string;
}

async function ask(port: number, path: string, method = 'GET'): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => {
        const { 'content-type': contentType, allow } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, contentType, allow, text });
      });
    });
    sent.on('error', reject).end();
  });
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test('a scrape gets all metrics in the format of Prometheus', async () => {
  const metrics = new Metrics();
  const port = await serve(metrics);
  metrics.cacheHit('memory');
  metrics.fetched('oci', 'success', 300);
  metrics.fetched('oci', 'SOURCE_AUTH', 20);
  const { status, contentType, text } = await ask(port, '/metrics');
  expect(status).toBe(200);
  expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toContain('pequod_cue_cache_hits_total{tier="memory"} 1\n');
  expect(text).toContain('pequod_cue_cache_hits_total{tier="disk"} 0\n');
  expect(text).toContain('pequod_cue_fetch_total{type="oci",result="SOURCE_AUTH"} 1\n');
  expect(text).toContain('pequod_cue_fetch_duration_seconds_bucket{le="0.5",type="oci"} 2\n');
});

test('there is nothing else to be had', async () => {
  const port = await serve();
  for (const path of ['/', '/metrics/', '/healthz', '//metrics', '/metrics/../etc/passwd', '/%6detrics']) {
    expect((await ask(port, path)).status).toBe(404);
  }
  expect((await ask(port, '/metrics?x=1')).status).toBe(200);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect(await ask(port, '/metrics', method)).toMatchObject({ status: 405, allow: 'GET' });
  }
});

test('an operator does not start without the port that it was given', async () => {
  const port = await serve();
  await expect(serve(new Metrics(), port)).rejects.toThrow(/EADDRINUSE/);
});

test('it stops though somebody is connected and says nothing', async () => {
  const port = await serve();
  const silent = connect(port, '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  const ended = new Promise((resolve) => silent.once('close', resolve));
  silent.on('error', () => undefined);
  await servers[0]?.stop();
  await ended;
  await expect(ask(port, '/metrics')).rejects.toThrow(/ECONNREFUSED/);
  // Stopped twice, or never started: nothing to do.
  await servers[0]?.stop();
});

test('two operators in one process do not share their metrics', async () => {
  const [one, other] = [new Metrics(), new Metrics()];
  one.cacheMiss();
  expect(await one.expose()).toContain('pequod_cue_cache_misses_total 1\n');
  expect(await other.expose()).toContain('pequod_cue_cache_misses_total 0\n');
});
