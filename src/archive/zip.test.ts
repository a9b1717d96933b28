// A corpus of hostile zips, each built byte by byte here. What must not be in memory is refused by name.
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { extraField, type ZipEnding, type ZipEntry, zip64Records, zipOf } from '../../test/archives/index.ts';
import { SourceError } from '../errors.ts';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap, readZip, writeZip } from './index.ts';

const LIMITS: ArchiveLimits = { maxBytes: 1000, maxEntries: 5, maxFileBytes: 600, maxRatio: 100 };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (files: FileMap): Record<string, string> =>
  Object.fromEntries([...files].map(([path, content]) => [path, Buffer.from(content).toString()]));

async function failure(archive: Uint8Array, limits?: ArchiveLimits): Promise<string> {
  const error: unknown = await readZip(archive, limits).catch((reason: unknown) => reason);
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, got ${String(error)}`);
  return `${error.code}: ${error.message}`;
}

describe('a zip', () => {
  it('gives its files, stored and deflated, and no folders', async () => {
    const archive = zipOf([
      { name: 'cue.mod/', isStored: true, mode: 0o040755 },
      { name: 'cue.mod/module.cue', content: 'module: "a.b/c@v0"' },
      { name: 'a.cue', content: 'package a', isStored: true },
      { name: 'empty', content: '', mode: 0 },
    ]);
    expect(texts(await readZip(archive))).toEqual({
      'cue.mod/module.cue': 'module: "a.b/c@v0"',
      'a.cue': 'package a',
      empty: '',
    });
  });

  it('keeps a folder that wraps all files, and names in any letters', async () => {
    const archive = zipOf([{ name: 'wrap/größe/数.cue', content: 'x: 1' }]);
    expect(texts(await readZip(archive))).toEqual({ 'wrap/größe/数.cue': 'x: 1' });
  });

  it('may have sizes behind its data, as streaming writers put them', async () => {
    const archive = zipOf([
      {
        name: 'a.cue',
        content: 'x: 1',
        flags: 0x808,
        local: { crc: 0, size: 0, compressedSize: 0 },
        behind: randomBytes(16),
      },
    ]);
    expect(texts(await readZip(archive))).toEqual({ 'a.cue': 'x: 1' });
  });

  it('may be empty', async () => {
    expect(await readZip(zipOf([]))).toEqual(new Map());
  });

  it('in it is a file like any other, never opened', async () => {
    const inner = zipOf([{ name: '../../etc/passwd', content: 'x' }]);
    const files = await readZip(zipOf([{ name: 'inner.zip', content: inner }]));
    expect(files.get('inner.zip')).toEqual(Uint8Array.from(inner));
  });
});

describe('a name', () => {
  it.each([
    ['/etc/passwd', 'has an absolute path'],
    ['../a.cue', 'leaves its folder by ..'],
    ['a/../../b.cue', 'leaves its folder by ..'],
    ['a/..', 'leaves its folder by ..'],
    ['a\\..\\b.cue', 'has a backslash in its name'],
    ['a\0.cue', 'has a control character in its name'],
    ['a\n.cue', 'has a control character in its name'],
    ['C:/a.cue', 'has a path with a drive letter'],
    ['c:a.cue', 'has a path with a drive letter'],
    ['a//b.cue', 'has an empty part in its path'],
    ['a/./b.cue', 'has the part . in its path'],
    ['', 'has no name'],
    ['/', 'has an absolute path'],
    ['.//etc/passwd', 'has an absolute path'],
    ['a'.repeat(1025), 'has a name of more than 1024 characters'],
    [`${'a/'.repeat(32)}b`, 'lies more than 32 folders deep'],
  ])('%j is refused', async (name, why) => {
    const archive = zipOf([{ name, content: '' }]);
    expect(await failure(archive)).toMatch(/^SOURCE_INVALID: archive entry "/);
    expect(await failure(archive)).toContain(why);
  });

  it('that is not UTF-8 is refused', async () => {
    const name = Uint8Array.of(0x61, 0xff, 0x2e, 0x63);
    expect(await failure(zipOf([{ name }]))).toBe(
      'SOURCE_INVALID: archive entry "aÿ.c" has a name that is not UTF-8',
    );
  });

  it.each([
    ['a.cue', 'a.cue', 'is there twice'],
    ['a.cue', './a.cue', 'is there twice'],
    ['a.cue', 'A.cue', 'differ only in case'],
    ['a/x.cue', 'A/y.cue', 'differ only in case'],
    ['stra\u00dfe', 'STRASSE', 'differ only in case'],
    ['\u00e9.cue', 'e\u0301.cue', 'differ only in case or in how letters are encoded'],
    ['\u212a.cue', 'k.cue', 'differ only in case'],
    ['a', 'a/b.cue', 'for both a file and a folder'],
    ['a/b.cue', 'a', 'for both a file and a folder'],
  ])('%j beside %j is refused', async (one, other, why) => {
    const archive = zipOf([
      { name: one, content: '1' },
      { name: other, content: '2' },
    ]);
    expect(await failure(archive)).toContain(why);
  });

  it('as a folder may come twice', async () => {
    const archive = zipOf([
      { name: 'a/', isStored: true },
      { name: 'a/', isStored: true },
      { name: 'a/b', content: 'x' },
    ]);
    expect(texts(await readZip(archive))).toEqual({ 'a/b': 'x' });
  });

  it('is shown in one short printable line', async () => {
    const message = await failure(zipOf([{ name: `/\u202e\u001b[31m${'x'.repeat(60_000)}` }]));
    expect(message.length).toBeLessThan(300);
    expect(message).toMatch(/^[\x20-\x7e…]*$/);
  });
});

describe('an entry', () => {
  it.each([
    [0o120777, 'is a symbolic link'],
    [0o020666, 'is a character device'],
    [0o060666, 'is a block device'],
    [0o010666, 'is a FIFO'],
    [0o140666, 'is a socket'],
    [0o040755, 'is a folder, and its name says otherwise'],
  ])('of mode %o is refused', async (mode, why) => {
    const entry: ZipEntry = { name: 'a.cue', content: '/etc/passwd', mode };
    expect(await failure(zipOf([entry]))).toBe(`SOURCE_INVALID: archive entry "a.cue" ${why}`);
  });

  const entry: ZipEntry = { name: 'a.cue', content: 'x: 1' };
  it.each<readonly [string, ZipEntry, string]>([
    ['encrypted', { ...entry, flags: 0x801 }, 'is encrypted'],
    ['strongly encrypted', { ...entry, flags: 0x840 }, 'strong encryption is not supported'],
    [
      'compressed by another method',
      { ...entry, local: { method: 93 }, central: { method: 93 } },
      'method 93, only',
    ],
    ['with another name inside', { ...entry, local: { name: 'b.cue' } }, 'has another name before its data'],
    ['with another method inside', { ...entry, local: { method: 0 } }, 'another compression method'],
    ['with other flags inside', { ...entry, local: { flags: 0 } }, 'has other flags before its data'],
    ['with another size inside', { ...entry, local: { size: 5 } }, 'has another size before its data'],
    [
      'with another packed size inside',
      { ...entry, local: { compressedSize: 1 } },
      'has another size before its data',
    ],
    ['with another checksum inside', { ...entry, local: { crc: 1 } }, 'has another checksum before its data'],
    [
      'with a wrong checksum',
      { ...entry, local: { crc: 1 }, central: { crc: 1 } },
      'is damaged: its checksum differs',
    ],
    [
      'that unpacks to more than it says',
      { ...entry, local: { size: 3 }, central: { size: 3 } },
      'has more bytes than the 3 that it says',
    ],
    [
      'that says to be empty and is not',
      { ...entry, local: { size: 0 }, central: { size: 0 } },
      'has more bytes than the 0 that it says',
    ],
    [
      'that unpacks to less than it says',
      { ...entry, local: { size: 5 }, central: { size: 5 } },
      'has 4 bytes, and says 5',
    ],
    [
      'stored with two sizes',
      { ...entry, isStored: true, local: { size: 3 }, central: { size: 3 } },
      'size mismatch',
    ],
    [
      'with data behind its data',
      { ...entry, packed: Buffer.concat([deflateRawSync(bytes('x: 1')), bytes('more')]) },
      'has bytes behind its compressed data',
    ],
    ['with broken data', { ...entry, packed: bytes('\xff\xff\xff') }, 'can not be unpacked'],
    [
      'that is cut off',
      { ...entry, packed: deflateRawSync(bytes('x: 1')).subarray(0, 2) },
      'can not be unpacked',
    ],
    [
      'with bytes behind it',
      { ...entry, behind: bytes('hidden') },
      'followed by bytes that belong to no entry',
    ],
    [
      'with a second name',
      {
        ...entry,
        central: {
          extra: extraField(
            0x7075,
            Buffer.concat([Uint8Array.of(1, 0xf8, 0x80, 0x53, 0xa5), bytes('../b.cue')]),
          ),
        },
      },
      'has two different names',
    ],
    ['that is a folder with content', { ...entry, name: 'a/', mode: 0o040755 }, 'is a folder with content'],
    ['elsewhere', { ...entry, offset: 10_000 }, 'is no zip that can be read'],
  ])('%s is refused', async (_what, hostile, why) => {
    expect(await failure(zipOf([hostile]))).toContain(why);
  });

  it('that shares its bytes with another is refused', async () => {
    const archive = zipOf([
      { name: 'a.cue', content: 'x: 1' },
      { name: 'a.cue', content: 'x: 1', offset: 0, central: { name: 'a.cue' } },
    ]);
    expect(await failure(archive)).toContain('is there twice');
    const quoting = zipOf([
      { name: 'outer', content: zipOf([{ name: 'in', content: 'x' }]), isStored: true },
    ]);
    expect((await readZip(quoting)).size).toBe(1);
    const inner = zipOf([{ name: 'in', content: 'x' }]);
    const overlapping = zipOf([
      { name: 'outer', content: inner.subarray(0, inner.length - 22 - 46 - 2), isStored: true },
      { name: 'in', content: 'x', offset: 30 + 'outer'.length },
    ]);
    expect(await failure(overlapping)).toContain('"outer" shares bytes with what follows it');
  });
});

describe('the structure', () => {
  const entries: readonly ZipEntry[] = [{ name: 'a.cue', content: 'x: 1' }];
  const count = entries.length;
  it.each<readonly [string, ZipEnding, string]>([
    ['bytes before', { before: bytes('#!/bin/sh') }, 'has bytes before its first entry'],
    ['bytes after', { after: bytes('more') }, 'is no zip that can be read: Invalid comment length'],
    ['bytes in between', { behindDirectory: bytes('more') }, 'has bytes between its directory and its end'],
    ['fewer entries than there are', { count: 0 }, 'has another number of entries than it says'],
    ['more entries than there are', { count: 2 }, 'is no zip that can be read'],
    ['two counts', { count: 1, countOnDisk: 2 }, 'says two different numbers of entries'],
    ['zip64', { behindDirectory: zip64Records(count, zipOf(entries).length - 22) }, 'is in the zip64 format'],
  ])('with %s is refused', async (_what, ending, why) => {
    expect(await failure(zipOf(entries, ending))).toContain(why);
  });

  it('with sizes in zip64 is refused', async () => {
    const extra = extraField(1, new Uint8Array(24));
    const entry: ZipEntry = { name: 'a', content: 'x', central: { extra, size: 0xffffffff } };
    expect(await failure(zipOf([entry]))).toContain('is in the zip64 format');
  });

  it.each([0, 1, 21, 22, 60])('cut to %i bytes is refused', async (length) => {
    expect(await failure(zipOf(entries).subarray(0, length))).toMatch(/^SOURCE_INVALID: the archive /);
  });
});

describe('the limits', () => {
  it('are kept for entries, before any is read', async () => {
    const million = zipOf([], { count: 65_535 });
    expect(await failure(million)).toBe('SOURCE_TOO_LARGE: the archive has more than 1000 entries');
    const folders = Array.from({ length: 6 }, (_, index) => ({ name: `${index}/`, isStored: true }));
    expect(await failure(zipOf(folders), LIMITS)).toBe(
      'SOURCE_TOO_LARGE: the archive has more than 5 entries',
    );
  });

  it('are kept for files and all bytes, by what the archive states, before it is unpacked', async () => {
    const large: ZipEntry = {
      name: 'a',
      packed: bytes('never unpacked'),
      central: { size: 601 },
    };
    expect(await failure(zipOf([large]), LIMITS)).toBe(
      'SOURCE_TOO_LARGE: archive entry "a" has 601 bytes, at most 600 are taken',
    );
    const two = ['a', 'b'].map((name) => ({ name, content: randomBytes(501) }));
    expect(await failure(zipOf(two), LIMITS)).toBe(
      'SOURCE_TOO_LARGE: the files of the archive have more than 1000 bytes together',
    );
  });

  it('are kept for the ratio', async () => {
    const bomb = zipOf([{ name: 'zeros', content: new Uint8Array(1024 * 1024) }]);
    expect(await failure(bomb)).toBe('SOURCE_TOO_LARGE: the archive unpacks to more than 200 times its size');
    const repetitive = zipOf([{ name: 'a', content: 'x: 1\n'.repeat(10_000) }]);
    expect((await readZip(repetitive)).size).toBe(1);
  });

  it('have values that a module fits in', () => {
    expect(DEFAULT_ARCHIVE_LIMITS.maxBytes).toBe(4 * 1024 * 1024);
  });
});

describe('a written zip', () => {
  const files: FileMap = new Map([
    ['b/c.cue', bytes('package b')],
    ['a.cue', bytes('package a')],
    ['empty', new Uint8Array(0)],
  ]);

  it('is read back', async () => {
    expect(texts(await readZip(await writeZip(files)))).toEqual(texts(files));
  });

  it('has the same bytes whatever the order of the files and the time zone', async () => {
    const zone = process.env['TZ'];
    const once = await writeZip(files);
    try {
      process.env['TZ'] = 'Pacific/Kiritimati';
      expect(await writeZip(new Map([...files].reverse()))).toEqual(once);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
});
