// What is kept of modules, and what a scrape tells of it: after a crash, after damage, and while a registry is down.
import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { runOrasTool, startRegistry } from '../test/servers/index.ts';
import {
  conditionOf,
  configMap,
  inline,
  member,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

const registry = await startRegistry();
const root = await mkdtemp(join(tmpdir(), 'module-cache-'));
/** Not there yet: the operator makes it. */
const folder = join(root, 'modules');

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--plain-http-host', registry.host],
    ...['--cache-dir', folder, '--metrics-address', '127.0.0.1:0'],
  ],
});

afterAll(async () => {
  await registry.stop();
  await rm(root, { recursive: true });
});

const FAR = 120_000;

/** Pushes a module of one ConfigMap, unlike any other. @returns a reference to its digest */
async function push(space: Space): Promise<string> {
  const source = member(inline({ made: configMap('made', { text: randomUUID() }) }), 'cueRef', 'ref');
  await writeFile(join(root, 'story.cue'), String(source));
  const place = `${registry.host}/${space.namespace}`;
  const pushed = await runOrasTool(['push', '--plain-http', '--directory', root, `${place}:v1`, 'story.cue']);
  expect(pushed).toMatchObject({ exitCode: 0 });
  return `oci://${place}@${pushed.stdout.trim()}`;
}

/** The value of a series at the operator's own port; 0 where there is none yet. */
async function metric(series: string): Promise<number> {
  const [, port = ''] = /"port":(\d+).*"metrics are served"/.exec(running.operator.log) ?? [];
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(answer.status).toBe(200);
  const lines = (await answer.text()).split('\n');
  return Number(
    lines
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );
}

const blobs = (): number => registry.requests().filter(({ kind }) => kind === 'blob').length;

story('what was fetched once is there for others, and after a crash', async ({ space }) => {
  const ref = await push(space);
  await space.transform('first', { cueRef: { type: 'oci', ref } });
  await space.untilReady('first');
  expect(await metric('pequod_cue_fetch_total{type="oci",result="success"}')).toBe(1);
  await until(
    'it is on the disk',
    () => readdir(folder),
    (names) => names.length === 1,
  );
  await running.operator.kill9();
  registry.forget();
  await running.operator.restart();
  await space.delete('Transform', 'first');
  await space.untilGone('Transform', 'first');
  await space.transform('second', { cueRef: { type: 'oci', ref } });
  await space.untilReady('second');
  // The registry was asked whether this tenant may have it, and for nothing more.
  expect(registry.requests().length).toBeGreaterThan(0);
  expect(blobs()).toBe(0);
  expect(await metric('pequod_cue_cache_hits_total{tier="disk"}')).toBe(1);
  expect(await metric('pequod_cue_fetch_total{type="oci",result="success"}')).toBe(0);
});

story('a file that was damaged is fetched again, and counted', async ({ space }) => {
  const ref = await push(space);
  const before = await readdir(folder);
  await space.transform('first', { cueRef: { type: 'oci', ref } });
  await space.untilReady('first');
  const names = await until(
    'it is on the disk',
    () => readdir(folder),
    (found) => found.length === before.length + 1,
  );
  await running.operator.kill9();
  for (const name of names) await appendFile(join(folder, name), '!');
  await running.operator.restart();
  await space.delete('Transform', 'first');
  await space.untilGone('Transform', 'first');
  await space.transform('second', { cueRef: { type: 'oci', ref } });
  await space.untilReady('second');
  expect(await metric('pequod_cue_cache_corrupt_total')).toBe(1);
  expect(await metric('pequod_cue_fetch_total{type="oci",result="success"}')).toBe(1);
});

story(
  'a registry that is down is left alone, which a scrape and the condition tell',
  async ({ space }) => {
    const ref = await push(space);
    await registry.takeDown();
    const names = Array.from({ length: 15 }, (_, index) => `shop-${index}`);
    for (const name of names) await space.transform(name, { cueRef: { type: 'oci', ref } });
    await until(
      'the registry is left alone',
      () => metric(`pequod_circuit_state{host="${registry.host}"}`),
      (state) => state > 0,
      FAR,
    );
    await space.transform('late', { cueRef: { type: 'oci', ref } });
    const late = await space.untilTransform(
      'late',
      'is told that the registry does not answer',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'False',
    );
    expect(conditionOf(late, 'Fetched')).toMatchObject({
      reason: 'SourceUnavailable',
      message: expect.stringContaining(registry.host),
    });
    await registry.bringBack();
    await space.untilTransform(
      'shop-0',
      'has its module',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'True',
      FAR,
    );
    expect(await metric(`pequod_circuit_state{host="${registry.host}"}`)).toBe(0);
  },
  2 * FAR,
);
