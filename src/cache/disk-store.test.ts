// The folder in the hands of others: damaged files, foreign ones, links and pipes; and the store held against a model.
import { execFileSync } from 'node:child_process';
import {
  appendFile,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { DiskStore, type DiskStoreOptions } from './disk-store.ts';
import { entryFileBytes, entryName } from './entry-file.ts';

const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const folders: string[] = [];

class World {
  readonly folder: string;
  nowMs = Date.now();
  readonly corrupt: string[] = [];
  evicted = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'disk-store-'));
    folders.push(folder);
    return new World(folder);
  }

  async open(options: Partial<DiskStoreOptions> = {}): Promise<DiskStore> {
    return await DiskStore.open({
      folder: this.folder,
      maxBytes: 1_000_000,
      maxEntries: 1_000,
      ttlMs: 7 * DAY_MS,
      now: () => this.nowMs,
      onEvict: () => {
        this.evicted += 1;
      },
      onCorrupt: (name) => this.corrupt.push(name),
      ...options,
    });
  }

  path(key: string): string {
    return join(this.folder, entryName(key));
  }

  async has(name: string): Promise<boolean> {
    return (await readdir(this.folder)).includes(name);
  }
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** The file of key `a`; one of key `b` is there, too. */
interface Damaged {
  readonly world: World;
  readonly path: string;
}

/** What is done to the file. */
const DAMAGES: readonly (readonly [string, (damaged: Damaged) => Promise<void>])[] = [
  ['one bit of the content', async ({ path }) => await flip(path, -1)],
  ['one bit of the checksum', async ({ path }) => await flip(path, 60)],
  ['the format’s version', async ({ path }) => await flip(path, 11)],
  ['its end', async ({ path }) => await truncate(path, (await lstat(path)).size - 1)],
  ['more at its end', async ({ path }) => await appendFile(path, '!')],
  ['all of it', async ({ path }) => await truncate(path, 0)],
  ['a head without an end', async ({ path }) => await writeFile(path, 'x'.repeat(100_000))],
  ['what is no head', async ({ path }) => await writeFile(path, '{}\ncontent')],
  ['a file of another key', async ({ path, world }) => await copyFile(world.path('b'), path)],
  ['a huge file', async ({ path }) => await truncate(path, 10 * 2 ** 30)],
  [
    'a link to a file of the system',
    async ({ path }) => {
      await rm(path);
      await symlink('/etc/passwd', path);
    },
  ],
  [
    'a link to a good entry elsewhere',
    async ({ path, world }) => {
      await mkdir(join(world.folder, 'elsewhere'), { recursive: true });
      await copyFile(path, join(world.folder, 'elsewhere', 'a'));
      await rm(path);
      await symlink(join(world.folder, 'elsewhere', 'a'), path);
    },
  ],
  [
    'a link to nowhere',
    async ({ path }) => {
      await rm(path);
      await symlink('/nowhere', path);
    },
  ],
  [
    'a pipe',
    async ({ path }) => {
      await rm(path);
      execFileSync('mkfifo', [path]);
    },
  ],
  [
    'a second name of a file of the system',
    async ({ path, world }) => {
      await rm(path);
      await writeFile(join(world.folder, 'other'), 'somebody’s');
      await link(join(world.folder, 'other'), path);
    },
  ],
];

async function flip(path: string, index: number): Promise<void> {
  const content = await readFile(path);
  const at = index < 0 ? content.length + index : index;
  content[at] = (content[at] ?? 0) ^ 1;
  await writeFile(path, content);
}

test.each(DAMAGES)('%s: a miss that is counted, and the file is gone', async (_what, damage) => {
  const world = await World.make();
  const store = await world.open();
  await store.put('b', bytes('content of b'));
  await store.put('a', bytes('content of a'));
  await damage({ world, path: world.path('a') });
  expect(await store.get('a')).toBeUndefined();
  expect(world.corrupt).toEqual([entryName('a')]);
  expect(await world.has(entryName('a'))).toBe(false);
  expect((await lstat('/etc/passwd')).isFile()).toBe(true);
  await store.put('a', bytes('content of a'));
  expect(await store.get('a')).toEqual(Buffer.from('content of a'));
  expect(await store.get('b')).toEqual(Buffer.from('content of b'));
});

test.each(DAMAGES)('%s: nor does a process that starts now serve it', async (_what, damage) => {
  const world = await World.make();
  const before = await world.open();
  await before.put('b', bytes('content of b'));
  await before.put('a', bytes('content of a'));
  await damage({ world, path: world.path('a') });
  const store = await world.open();
  expect(await store.get('a')).toBeUndefined();
  expect(await world.has(entryName('a'))).toBe(false);
  expect(await store.get('b')).toEqual(Buffer.from('content of b'));
});

test('a folder in the place of an entry is left, and is no entry', async () => {
  const world = await World.make();
  await mkdir(world.path('a'));
  const store = await world.open();
  expect(store.level.entries).toBe(0);
  expect(await store.get('a')).toBeUndefined();
  await expect(store.put('a', bytes('content'))).rejects.toThrow();
  expect(await readdir(world.folder)).toEqual([entryName('a')]);
});

test('what writers have left goes when it is old; what one writes now, and foreign files stay', async () => {
  const world = await World.make();
  const name = entryName('a');
  const [old, young] = [`.${name}.0123456789abcdef.tmp`, `.${name}.fedcba9876543210.tmp`];
  const foreign = ['notes.txt', `${name}.bak`, name.slice(1), '.hidden', `.${name}.tmp`];
  for (const file of [old, young, ...foreign]) await writeFile(join(world.folder, file), 'something');
  for (const file of [old, ...foreign]) {
    await utimes(join(world.folder, file), 0, world.nowMs / 1_000 - 11 * 60);
  }
  const store = await world.open({ maxBytes: 1, maxEntries: 1 });
  expect((await readdir(world.folder)).sort()).toEqual([young, ...foreign].sort());
  expect(store.level).toEqual({ entries: 0, bytes: 0 });
  // A process that lives on finds what was young then.
  world.nowMs += 11 * MINUTE_MS;
  const other = await world.open();
  world.nowMs += 11 * MINUTE_MS;
  await other.put('a', bytes('x'));
  expect((await readdir(world.folder)).sort()).toEqual([name, ...foreign].sort());
});

test('entries of another process are found, counted, and make room', async () => {
  const world = await World.make();
  const [ours, theirs] = [await world.open({ maxEntries: 3 }), await world.open({ maxEntries: 3 })];
  await theirs.put('theirs', bytes('content'));
  expect(await ours.get('theirs')).toEqual(Buffer.from('content'));
  await theirs.delete('theirs');
  expect(await ours.get('theirs')).toBeUndefined();
  for (const key of ['1', '2', '3']) await theirs.put(key, bytes(key));
  world.nowMs += 11 * MINUTE_MS;
  await ours.put('own', bytes('own'));
  expect(await readdir(world.folder)).toHaveLength(3);
  expect(ours.level.entries).toBe(3);
  expect(await ours.get('own')).toBeDefined();
});

test('an entry that another process uses does not end for its age', async () => {
  const world = await World.make();
  const [ours, theirs] = [await world.open({ ttlMs: DAY_MS }), await world.open({ ttlMs: DAY_MS })];
  await ours.put('a', bytes('content'));
  world.nowMs += DAY_MS / 2;
  expect(await theirs.get('a')).toBeDefined();
  world.nowMs += DAY_MS * 0.6;
  await ours.put('b', bytes('x'));
  expect(await theirs.get('a')).toBeDefined();
  expect(world.evicted).toBe(0);
});

test('a time to come does not keep an entry for ever', async () => {
  const world = await World.make();
  await (await world.open()).put('a', bytes('content'));
  await utimes(world.path('a'), world.nowMs / 1_000, world.nowMs / 1_000 + 10_000_000);
  const store = await world.open();
  world.nowMs += 8 * DAY_MS;
  await store.put('b', bytes('x'));
  expect(await world.has(entryName('a'))).toBe(false);
});

type Step =
  | { readonly what: 'get' | 'put' | 'delete' | 'damage'; readonly key: string }
  | { readonly what: 'restart' };

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const keyed = fc.record({
  what: fc.constantFrom(
    'get' as const,
    'get' as const,
    'put' as const,
    'put' as const,
    'delete' as const,
    'damage' as const,
  ),
  key: fc.constantFrom(...KEYS),
});
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: keyed },
    { weight: 1, arbitrary: fc.constant({ what: 'restart' as const }) },
  ),
  { maxLength: 60 },
);

/** Content of its own size and bytes for each key. */
function contentOf(key: string): Uint8Array {
  return new Uint8Array(100 * (KEYS.indexOf(key) + 1)).fill(key.charCodeAt(0));
}

test('held against a model: what is there, in which order it goes, and how much it takes', async () => {
  const limits = { maxBytes: 3_000, maxEntries: 5 };
  const size = (key: string): number => entryFileBytes(key, contentOf(key)) ?? 0;
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const world = await World.make();
      let store = await world.open(limits);
      // Least recently used first; what is damaged takes room until somebody wants it.
      let model: string[] = [];
      const damaged = new Set<string>();
      const without = (key: string): string[] => model.filter((other) => other !== key);
      for (const step of list) {
        // More than how exactly the last use is written down.
        world.nowMs += 2 * 60 * MINUTE_MS;
        switch (step.what) {
          case 'restart':
            store = await world.open(limits);
            break;
          case 'put':
            await store.put(step.key, contentOf(step.key));
            damaged.delete(step.key);
            model = [...without(step.key), step.key];
            while (
              model.length > limits.maxEntries ||
              model.reduce((sum, key) => sum + size(key), 0) > limits.maxBytes
            )
              damaged.delete(model.shift() ?? '');
            break;
          case 'delete':
            await store.delete(step.key);
            damaged.delete(step.key);
            model = without(step.key);
            break;
          case 'damage':
            if (!model.includes(step.key)) break;
            await flip(world.path(step.key), -1);
            // Written anew, as far as the file system knows.
            damaged.add(step.key);
            model = [...without(step.key), step.key];
            await utimes(world.path(step.key), world.nowMs / 1_000, world.nowMs / 1_000);
            store = await world.open(limits);
            break;
          case 'get': {
            const isThere = model.includes(step.key) && !damaged.has(step.key);
            const got = await store.get(step.key);
            expect(got === undefined ? undefined : new Uint8Array(got)).toEqual(
              isThere ? contentOf(step.key) : undefined,
            );
            damaged.delete(step.key);
            model = isThere ? [...without(step.key), step.key] : without(step.key);
            break;
          }
        }
        expect((await readdir(world.folder)).sort()).toEqual(model.map(entryName).sort());
        expect(store.level).toEqual({
          entries: model.length,
          bytes: model.reduce((sum, key) => sum + size(key), 0),
        });
      }
    }),
    { numRuns: 60 },
  );
});
