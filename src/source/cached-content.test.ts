import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { ByteCache, type Wanted } from '../cache/index.ts';
import { silentLogger } from '../observability/index.ts';
import { CachedContent, decodeTree, encodeTree } from './cached-content.ts';
import { type ModuleTree, moduleTree } from './module-tree.ts';

const never = (): AbortSignal => new AbortController().signal;
const TREE = moduleTree([
  ['platform/render.cue', 'package platform\n'],
  ['cue.mod/module.cue', 'module: "example.com@v0"\n'],
  ['weird ☃ "name".cue', '\u0000\ud800é\r\n'],
]);
const WANTED: Wanted = { key: 'sha256:m', loadedFrom: 'place' };
const OTHER = moduleTree([['render.cue', 'package other\n']]);

const folders: string[] = [];

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cached-content-'));
  folders.push(folder);
  return folder;
}

function open(folder?: string): Promise<ByteCache> {
  return ByteCache.open({ folder, log: silentLogger(), now: Date.now });
}

/** A load that counts how often it was asked. */
function loading(tree: ModuleTree): {
  readonly load: () => Promise<ModuleTree>;
  readonly count: () => number;
} {
  let count = 0;
  const load = (): Promise<ModuleTree> => {
    count += 1;
    return Promise.resolve(tree);
  };
  return { load, count: () => count };
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

test('a module is fetched once, and is the same after a restart', async () => {
  const folder = await newFolder();
  const { load, count } = loading(TREE);
  const first = await open(folder);
  const trees = await Promise.all(
    Array.from({ length: 50 }, () => new CachedContent(first).treeThrough(WANTED, load, never())),
  );
  await first.close();
  const again = await new CachedContent(await open(folder)).treeThrough(WANTED, load, never());
  expect(count()).toBe(1);
  for (const tree of [...trees, again]) {
    expect(tree.digest).toBe(TREE.digest);
    expect(new Map(tree.files)).toEqual(TREE.files);
  }
});

test.each<[string, Uint8Array]>([
  ['no JSON', Buffer.from('content')],
  ['another format', Buffer.from('["pequod-tree-0","sha256:x",[]]')],
  ['another digest', Buffer.from(JSON.stringify(['pequod-tree-1', OTHER.digest, [...TREE.files]]))],
  [
    'a path that leaves the module',
    Buffer.from(JSON.stringify(['pequod-tree-1', 'sha256:x', [['../a', '']]])),
  ],
  ['files that are none', Buffer.from('["pequod-tree-1","sha256:x",[["a"]]]')],
])('what is kept and is no such module (%s) is fetched again', async (_what, bytes) => {
  const cache = await open();
  await cache.put('sha256:m', bytes);
  const { load, count } = loading(TREE);
  const tree = await new CachedContent(cache).treeThrough(WANTED, load, never());
  expect(tree.digest).toBe(TREE.digest);
  expect(count()).toBe(1);
  await new CachedContent(cache).treeThrough(WANTED, load, never());
  expect(count()).toBe(1);
});

test('a module whose digest is not its own is not handed out', async () => {
  const lying: ModuleTree = { digest: OTHER.digest, files: TREE.files };
  const content = new CachedContent(await open());
  await expect(content.treeThrough(WANTED, () => Promise.resolve(lying), never())).rejects.toMatchObject({
    code: 'SOURCE_DIGEST',
  });
});

test('what fails to load fails for who asked, and is tried again', async () => {
  const content = new CachedContent(await open());
  const failing = (): Promise<ModuleTree> => Promise.reject(new Error('503'));
  await expect(content.treeThrough(WANTED, failing, never())).rejects.toThrow('503');
  await expect(content.treeThrough(WANTED, loading(TREE).load, never())).resolves.toMatchObject({
    digest: TREE.digest,
  });
});

test('every tree has one form, whatever the order of its files, and comes back from it', () => {
  const path = fc.stringMatching(/^[a-z]{1,8}(\/[a-zé]{1,8}){0,3}$/);
  const files = fc.uniqueArray(fc.tuple(path, fc.string({ unit: 'binary' })), { selector: ([name]) => name });
  fc.assert(
    fc.property(files, (list) => {
      const tree = moduleTree(list);
      const bytes = encodeTree(tree);
      expect(encodeTree(moduleTree(list.toReversed()))).toEqual(bytes);
      expect(decodeTree(bytes)).toEqual(tree);
    }),
  );
});
