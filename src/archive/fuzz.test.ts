// Archives that went wrong in any way are refused or read: never a crash, never an answer that does not come, and never a
// name that could leave the folder that somebody unpacks it into.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paxEntry, tarGzipOf, tarOf, zipOf } from '../../test/archives/index.ts';
import { SourceError } from '../errors.ts';
import { DEFAULT_ARCHIVE_LIMITS, type FileMap, readTarGzip, readZip } from './index.ts';
import { readTar } from './tar-reader.ts';

const TEXT = 'package a\n'.repeat(20);
const FILES = [
  { name: 'cue.mod/module.cue', content: 'module: "a.b/c@v0"' },
  { name: 'a.cue', content: TEXT },
  { name: 'b/c.cue', content: TEXT, isStored: true },
] as const;
const ZIP = zipOf(FILES);
const STREAMED_ZIP = zipOf(FILES.map((file) => ({ ...file, flags: 0x808, behind: new Uint8Array(16) })));
const TAR = tarOf([paxEntry({ path: 'long' }), ...FILES]);
const TAR_GZIP = tarGzipOf(FILES);

/** Bytes set to others, a part cut out, a part repeated. */
function mutations(archive: Uint8Array): fc.Arbitrary<Uint8Array> {
  const position = fc.nat({ max: archive.length - 1 });
  const edits = fc.array(fc.tuple(position, fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
  return fc.tuple(edits, fc.option(fc.tuple(position, position, fc.boolean()))).map(([bytes, part]) => {
    const changed = Buffer.from(archive);
    for (const [at, value] of bytes) changed[at] = value;
    if (part === null) return changed;
    const [one, other, isRepeated] = part;
    const [start, end] = [Math.min(one, other), Math.max(one, other)];
    return Buffer.concat(
      isRepeated
        ? [changed.subarray(0, end), changed.subarray(start)]
        : [changed.subarray(0, start), changed.subarray(end)],
    );
  });
}

async function isReadOrRefused(reading: Promise<FileMap>): Promise<void> {
  try {
    for (const path of (await reading).keys()) {
      expect(path).not.toMatch(/^\/|\\|\0|^[A-Za-z]:/);
      expect(path.split('/').some((part) => ['', '.', '..'].includes(part))).toBe(false);
    }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
  }
}

async function* inChunks(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length);
}

describe('random changes', () => {
  it.each([
    ['a zip', ZIP],
    ['a streamed zip', STREAMED_ZIP],
  ])('of %s', async (_what, archive) => {
    expect((await readZip(archive)).size).toBe(3);
    await fc.assert(
      fc.asyncProperty(mutations(archive), (changed) => isReadOrRefused(readZip(changed))),
      { numRuns: 1500 },
    );
  });

  it('of a tar, in chunks of any size', async () => {
    const chunked = fc.tuple(mutations(TAR), fc.integer({ min: 1, max: 2000 }));
    await fc.assert(
      fc.asyncProperty(chunked, ([changed, length]) =>
        isReadOrRefused(readTar(inChunks(changed, length), DEFAULT_ARCHIVE_LIMITS)),
      ),
      { numRuns: 500 },
    );
  });

  it('of a gzip', async () => {
    expect((await readTarGzip(TAR_GZIP)).size).toBe(3);
    await fc.assert(
      fc.asyncProperty(mutations(TAR_GZIP), (changed) => isReadOrRefused(readTarGzip(changed))),
      { numRuns: 500 },
    );
  });

  it('of nothing: any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await isReadOrRefused(readZip(bytes));
        await isReadOrRefused(readTarGzip(bytes));
      }),
    );
  });
});

it('nothing here can reach a file: no module of the system but zlib and streams is imported', async () => {
  const imports = new Set<string>();
  for (const file of await readdir(import.meta.dirname)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const text = await readFile(join(import.meta.dirname, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/from '([^']+)'/g))
      if (!name.startsWith('.')) imports.add(name);
  }
  expect([...imports].sort()).toEqual(['node:stream/consumers', 'node:zlib', 'yauzl', 'yazl']);
});
