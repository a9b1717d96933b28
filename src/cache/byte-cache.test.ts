import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Metrics } from '../observability/index.ts';
import { ByteCache, type ByteCacheOptions, type Wanted } from './byte-cache.ts';
import { CacheFolderError } from './cache-folder.ts';

const never = (): AbortSignal => new AbortController().signal;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);

/** What is wanted mostly. */
const A: Wanted = { key: 'a', loadedFrom: 'place' };

const roots: string[] = [];
const opened: ByteCache[] = [];

/** A folder of its own with a cache folder in it, a clock, what was logged, and the metrics. */
class World {
  readonly folder: string;
  readonly logged: { readonly level: number; readonly msg: string }[] = [];
  nowMs = Date.now();
  metrics = new Metrics();

  private constructor(root: string) {
    this.folder = join(root, 'cache');
  }

  static async make(): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), 'byte-cache-'));
    roots.push(root);
    return new World(root);
  }

  /** Opens the cache, as a process does that starts. */
  async open(options: Partial<ByteCacheOptions> = {}): Promise<ByteCache> {
    this.metrics = new Metrics();
    const log = pino({ level: 'info' }, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const own = { folder: this.folder, log, metrics: this.metrics, now: () => this.nowMs };
    const cache = await ByteCache.open({ ...own, ...options });
    opened.push(cache);
    return cache;
  }

  async metric(series: string): Promise<number> {
    const lines = (await this.metrics.expose()).split('\n');
    return Number(
      lines
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  }

  async files(): Promise<readonly string[]> {
    return (await readdir(this.folder)).sort();
  }

  get warnings(): readonly string[] {
    return this.logged.filter(({ level }) => level >= 40).map(({ msg }) => msg);
  }
}

afterEach(async () => {
  // What is still being written would be written into a folder that goes.
  for (const cache of opened.splice(0)) await cache.close();
  for (const root of roots.splice(0)) {
    await chmod(join(root, 'cache'), 0o700).catch(() => undefined);
    await rm(root, { recursive: true, force: true });
  }
});

test('what was put is there, in memory and after a restart; hits and misses are counted', async () => {
  const world = await World.make();
  const first = await world.open();
  await first.put('sha256:a', bytes('content'));
  expect(text(await first.get('sha256:a'))).toBe('content');
  expect(await first.get('sha256:b')).toBeUndefined();
  expect(await world.metric('pequod_cue_cache_hits_total{tier="memory"}')).toBe(1);
  expect(await world.metric('pequod_cue_cache_misses_total')).toBe(1);
  const second = await world.open();
  expect(text(await second.get('sha256:a'))).toBe('content');
  expect(text(await second.get('sha256:a'))).toBe('content');
  expect(await world.metric('pequod_cue_cache_hits_total{tier="disk"}')).toBe(1);
  expect(await world.metric('pequod_cue_cache_hits_total{tier="memory"}')).toBe(1);
  expect(await world.metric('pequod_cue_cache_entries{tier="disk"}')).toBe(1);
  expect(world.warnings).toEqual([]);
});

test('folder and files are ours alone, and a file is named by the hash of its key', async () => {
  const world = await World.make();
  const cache = await world.open();
  await cache.put('git:https://git.example/shop#main', bytes('x'));
  const [name = ''] = await world.files();
  expect(name).toMatch(/^[0-9a-f]{64}$/);
  expect((await stat(world.folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(world.folder, name))).mode & 0o777).toBe(0o600);
});

test('a folder that others may write to is refused, and says what to do', async () => {
  const world = await World.make();
  await mkdir(world.folder);
  await chmod(world.folder, 0o777);
  const refused = world.open();
  await expect(refused).rejects.toBeInstanceOf(CacheFolderError);
  await expect(refused).rejects.toThrow(/mode 777.*or name a folder inside it/);
  // As the message says, a folder inside of it will do.
  const cache = await world.open({ folder: join(world.folder, 'modules') });
  await cache.put('a', bytes('content'));
  expect(world.warnings).toEqual([]);
});

test.each([
  ['a file', 'file'],
  ['below a file', 'file/modules'],
])('a folder that can not be made (%s) is done without, with one warning', async (_what, path) => {
  const world = await World.make();
  const root = join(world.folder, '..');
  await writeFile(join(root, 'file'), '');
  const cache = await world.open({ folder: join(root, path) });
  await cache.put('a', bytes('content'));
  expect(text(await cache.get('a'))).toBe('content');
  expect(await cache.get('b')).toBeUndefined();
  expect(world.warnings).toEqual(['the cache folder is not used']);
});

test('without a folder there is memory, and one warning', async () => {
  const world = await World.make();
  const cache = await world.open({ folder: undefined });
  await cache.put('a', bytes('content'));
  expect(text(await cache.get('a'))).toBe('content');
  expect(world.warnings).toHaveLength(1);
});

test('a disk that fails costs a warning now and then, and nobody his module', async () => {
  const world = await World.make();
  const cache = await world.open();
  // The folder is gone from under it, as a volume that was unmounted.
  await rm(world.folder, { recursive: true });
  for (const key of ['a', 'b', 'c']) {
    const got = await cache.through({ key, loadedFrom: 'place' }, () => Promise.resolve(bytes(key)), never());
    expect(text(got)).toBe(key);
    expect(text(await cache.get(key))).toBe(key);
  }
  await cache.close();
  expect(world.warnings).toHaveLength(1);
  expect(await world.metric('pequod_cue_cache_write_failures_total')).toBe(3);
  world.nowMs += 10 * 60_000;
  await cache.put('d', bytes('d'));
  expect(world.warnings).toHaveLength(2);
});

test('the files stay within their bytes: who was not used for longest goes', async () => {
  const world = await World.make();
  const cache = await world.open({ maxBytes: 3_000, maxMemoryBytes: 1 });
  const content = new Uint8Array(800);
  for (const key of ['a', 'b', 'c']) {
    await cache.put(key, content);
    world.nowMs += 1_000;
  }
  expect(await cache.get('a')).toBeDefined();
  await cache.put('d', content);
  const there = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (key) => (await cache.get(key)) !== undefined),
  );
  expect(there).toEqual([true, false, true, true]);
  expect(await world.files()).toHaveLength(3);
  expect(await world.metric('pequod_cue_cache_evictions_total{tier="disk"}')).toBe(1);
});

test('what is served from memory counts as used on the disk', async () => {
  const world = await World.make();
  const first = await world.open({ maxEntries: 3 });
  for (const key of ['a', 'b', 'c']) {
    await first.put(key, bytes(key));
    world.nowMs += 2 * 60 * 60_000;
  }
  await first.get('a');
  await first.close();
  // In the next process, too.
  const second = await world.open({ maxEntries: 2 });
  expect(text(await second.get('a'))).toBe('a');
  expect(await second.get('b')).toBeUndefined();
});

test('so many entries are kept', async () => {
  const world = await World.make();
  const cache = await world.open({ maxEntries: 3 });
  for (let count = 0; count < 10; count += 1) await cache.put(`key ${count}`, bytes('x'));
  expect(await world.files()).toHaveLength(3);
  expect(await world.metric('pequod_cue_cache_entries{tier="memory"}')).toBe(3);
});

test('what nobody has used for the time to live is gone; what somebody has is kept', async () => {
  const world = await World.make();
  const cache = await world.open({ ttlMs: 1_000, maxMemoryBytes: 1 });
  await cache.put('used', bytes('u'));
  await cache.put('unused', bytes('n'));
  world.nowMs += 600;
  expect(await cache.get('used')).toBeDefined();
  world.nowMs += 600;
  expect(text(await cache.get('used'))).toBe('u');
  expect(await cache.get('unused')).toBeUndefined();
  expect(await world.files()).toHaveLength(1);
  world.nowMs += 1_000;
  await cache.put('other', bytes('o'));
  expect(await world.files()).toHaveLength(1);
});

test('entries beyond a lower limit go at the start, the oldest first', async () => {
  const world = await World.make();
  const first = await world.open();
  for (const key of ['a', 'b', 'c']) {
    await first.put(key, new Uint8Array(1_000));
    world.nowMs += 1_000;
  }
  await first.put('big', new Uint8Array(10_000));
  const second = await world.open({ maxBytes: 2_500 });
  expect(await world.files()).toHaveLength(2);
  const there = await Promise.all(
    ['a', 'b', 'c', 'big'].map(async (key) => (await second.get(key)) !== undefined),
  );
  expect(there).toEqual([false, true, true, false]);
});

test('what is larger than all room is served, and not kept', async () => {
  const world = await World.make();
  const cache = await world.open({ maxBytes: 100, maxMemoryBytes: 100 });
  const got = await cache.through(A, () => Promise.resolve(new Uint8Array(1_000)), never());
  expect(got).toHaveLength(1_000);
  await cache.close();
  expect(await world.files()).toEqual([]);
  expect(world.warnings).toEqual([]);
});

test('a view of a larger buffer is kept as what it shows', async () => {
  const world = await World.make();
  const cache = await world.open();
  const whole = Buffer.from('....content....');
  await cache.put('a', whole.subarray(4, 11));
  whole.fill('!');
  expect(text(await cache.get('a'))).toBe('content');
  expect(text(await (await world.open()).get('a'))).toBe('content');
});

test('5,000 who want the same at once cause one load', async () => {
  const world = await World.make();
  const cache = await world.open();
  let loads = 0;
  const load = async (): Promise<Uint8Array> => {
    loads += 1;
    await Promise.resolve();
    return bytes('content');
  };
  const got = await Promise.all(Array.from({ length: 5_000 }, () => cache.through(A, load, never())));
  expect(loads).toBe(1);
  expect(new Set(got).size).toBe(1);
  expect(await world.metric('pequod_cue_cache_misses_total')).toBe(1);
  await cache.close();
  // Nor does a new process load it again.
  const next = await world.open();
  await Promise.all(Array.from({ length: 5_000 }, () => next.through(A, load, never())));
  expect(loads).toBe(1);
  expect(await world.metric('pequod_cue_cache_hits_total{tier="disk"}')).toBe(1);
});

test('a load that fails fails for all who wait, and is not kept', async () => {
  const world = await World.make();
  const cache = await world.open();
  const failing = (): Promise<Uint8Array> => Promise.reject(new Error('503'));
  const both = [cache.through(A, failing, never()), cache.through(A, failing, never())];
  for (const one of both) await expect(one).rejects.toThrow('503');
  expect(text(await cache.through(A, () => Promise.resolve(bytes('there')), never()))).toBe('there');
});

test('nobody waits for a place that somebody else has named; what it yields is for all', async () => {
  const world = await World.make();
  const cache = await world.open();
  const slow = Promise.withResolvers<Uint8Array>();
  const elsewhere = cache.through({ key: 'a', loadedFrom: 'a slow place' }, () => slow.promise, never());
  const here = await cache.through(A, () => Promise.resolve(bytes('content')), never());
  expect(text(here)).toBe('content');
  slow.reject(new Error('gave up'));
  await expect(elsewhere).rejects.toThrow('gave up');
  const again = await cache.through({ key: 'a', loadedFrom: 'another' }, () => slow.promise, never());
  expect(text(again)).toBe('content');
});

test('what is deleted is gone from memory and from the disk', async () => {
  const world = await World.make();
  const cache = await world.open();
  await cache.put('a', bytes('content'));
  await cache.delete('a');
  expect(await cache.get('a')).toBeUndefined();
  expect(await world.files()).toEqual([]);
});

test('the file says for whom it is in its first line', async () => {
  const world = await World.make();
  await (await world.open()).put('sha256:a', bytes('content'));
  const [name = ''] = await world.files();
  const [head = ''] = (await readFile(join(world.folder, name), 'utf8')).split('\n', 1);
  expect(JSON.parse(head)).toMatchObject({ version: 1, key: 'sha256:a', bytes: 7 });
});
