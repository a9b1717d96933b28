// A corpus of hostile tars, each built byte by byte here, and what writers of tar do that is no harm.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { paxEntry, TAR_END, type TarEntry, tarEntry, tarGzipOf, tarOf } from '../../test/archives/index.ts';
import { SourceError } from '../errors.ts';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap, readTarGzip } from './index.ts';
import { readTar } from './tar-reader.ts';

const LIMITS: ArchiveLimits = { maxBytes: 1000, maxEntries: 5, maxFileBytes: 600, maxRatio: 100 };
const LONG_NAME = `${'folder/'.repeat(20)}a.cue`;

const texts = (files: FileMap): Record<string, string> =>
  Object.fromEntries([...files].map(([path, content]) => [path, Buffer.from(content).toString()]));

async function failureOf(reading: Promise<unknown>): Promise<string> {
  const error: unknown = await reading.catch((reason: unknown) => reason);
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, got ${String(error)}`);
  return `${error.code}: ${error.message}`;
}

const failure = (archive: Uint8Array, limits?: ArchiveLimits): Promise<string> =>
  failureOf(readTarGzip(archive, limits));

describe('a tar', () => {
  it('gives its files and no folders', async () => {
    const archive = tarGzipOf([
      { name: './', type: '5' },
      { name: './cue.mod/', type: '5' },
      { name: './cue.mod/module.cue', content: 'module: "a.b/c@v0"' },
      { name: 'b.cue', content: 'x'.repeat(512), type: '\0' },
      { name: 'empty' },
    ]);
    expect(texts(await readTarGzip(archive))).toEqual({
      'cue.mod/module.cue': 'module: "a.b/c@v0"',
      'b.cue': 'x'.repeat(512),
      empty: '',
    });
  });

  it.each<readonly [string, readonly (TarEntry | Uint8Array)[]]>([
    ['in ustar', [{ name: 'a.cue', prefix: LONG_NAME.slice(0, -6), content: 'x' }]],
    ['in pax', [paxEntry({ mtime: '1.5', path: LONG_NAME }), { name: 'short', content: 'x' }]],
    [
      'in GNU tar',
      [
        { name: '././@LongLink', type: 'L', content: `${LONG_NAME}\0` },
        { name: 's', content: 'x' },
      ],
    ],
  ])('has long names %s', async (_form, entries) => {
    expect(texts(await readTarGzip(tarGzipOf(entries)))).toEqual({ [LONG_NAME]: 'x' });
  });

  it("has git's global header, numbers in base 256, and several members of gzip", async () => {
    const size = new Uint8Array(12);
    size.set([0x80], 0);
    size.set([0x01, 0x02], 10);
    const tar = tarOf([
      paxEntry({ comment: '0123456789abcdef' }, 'g'),
      { name: 'a', size, content: 'y'.repeat(258) },
    ]);
    const archive = Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]);
    expect(texts(await readTarGzip(archive))).toEqual({ a: 'y'.repeat(258) });
  });

  it('fills its last record with zeros', async () => {
    const archive = gzipSync(Buffer.concat([tarOf([{ name: 'a' }]), new Uint8Array(20 * 512)]));
    expect((await readTarGzip(archive)).size).toBe(1);
  });
});

describe('an entry', () => {
  it.each([
    ['1', 'is a hard link'],
    ['2', 'is a symbolic link'],
    ['3', 'is a character device'],
    ['4', 'is a block device'],
    ['6', 'is a FIFO'],
    ['7', 'is of type "7"'],
    ['S', 'is a sparse file'],
    ['K', 'is a link'],
    ['V', 'is of type "V"'],
  ])('of type %s is refused', async (type, why) => {
    const archive = tarGzipOf([{ name: 'a.cue', type, link: '/dev/zero' }]);
    expect(await failure(archive)).toBe(`SOURCE_INVALID: archive entry "a.cue" ${why}`);
  });

  it.each<readonly [string, readonly (TarEntry | Uint8Array)[], string]>([
    ['with an absolute path', [{ name: '/etc/passwd' }], 'has an absolute path'],
    ['that leaves by ..', [{ name: 'a/../../b' }], 'leaves its folder by ..'],
    ['that leaves by its prefix', [{ name: 'b', prefix: '..' }], 'leaves its folder by ..'],
    ['that leaves by pax', [paxEntry({ path: '../b' }), { name: 'b' }], 'leaves its folder by ..'],
    [
      'that leaves by a long name',
      [{ name: 'l', type: 'L', content: '../b\0' }, { name: 'b' }],
      'leaves its',
    ],
    ['with a NUL in pax', [paxEntry({ path: 'a\0b' }), { name: 'b' }], 'has a control character'],
    ['that is not UTF-8', [{ name: Uint8Array.of(0xff, 0x41) }], 'has a name that is not UTF-8'],
    ['without a name', [{ name: '', content: 'x' }], 'has no name'],
    ['that is the root as a file', [{ name: '.', content: 'x' }], 'has the part . in its path'],
    ['twice', [{ name: 'a' }, { name: './a' }], 'is there twice'],
    ['in another case', [{ name: 'a' }, { name: 'A' }], 'differ only in case'],
    ['below a file', [{ name: 'a' }, { name: 'a/b' }], 'for both a file and a folder'],
    ['that is a folder with content', [{ name: 'a/', type: '5', content: 'x' }], 'is a folder with content'],
    ['with two sizes', [paxEntry({ size: '9' }), { name: 'a', content: 'x' }], 'has two sizes: 1 and 9'],
    ['with a size that is none', [paxEntry({ size: '-1' }), { name: 'a' }], 'size can not be read'],
    ['sparse by pax', [paxEntry({ 'GNU.sparse.major': '1' }), { name: 'a' }], 'has a sparse file'],
    ['named for all by pax', [paxEntry({ path: 'b' }, 'g'), { name: 'a' }], 'says path for all entries'],
    ['with a wrong checksum', [{ name: 'a', hasWrongChecksum: true }], 'the checksum of a header differs'],
    ['with letters for its size', [{ name: 'a', size: Buffer.from('0000000zz9\0 ') }], 'can not be read'],
    ['with a negative size', [{ name: 'a', size: new Uint8Array(12).fill(0xff) }], 'negative or too large'],
    ['with broken pax', [{ name: 'x', type: 'x', content: '99 path=a\n' }, { name: 'a' }], 'extended header'],
    [
      'with pax twice',
      [{ name: 'x', type: 'x', content: '8 a=bc\n8 a=de\n' }, { name: 'a' }],
      'extended header',
    ],
  ])('%s is refused', async (_what, entries, why) => {
    expect(await failure(tarGzipOf(entries))).toMatch(/^SOURCE_INVALID/);
    expect(await failure(tarGzipOf(entries))).toContain(why);
  });
});

describe('the structure', () => {
  const whole = tarOf([{ name: 'a.cue', content: 'x: 1' }]);
  it.each<readonly [string, Uint8Array, string]>([
    ['cut in a header', gzipSync(whole.subarray(0, 100)), 'ends without a mark of its end'],
    ['cut in a file', gzipSync(whole.subarray(0, 514)), 'archive entry "a.cue" is cut off'],
    ['cut behind a file', gzipSync(whole.subarray(0, 1024)), 'ends without a mark of its end'],
    ['cut in its end', gzipSync(whole.subarray(0, 1536)), 'ends without a mark of its end'],
    ['with more behind its end', gzipSync(Buffer.concat([whole, tarEntry({ name: 'b' })])), 'behind its end'],
    [
      'with an end in the middle',
      gzipSync(Buffer.concat([TAR_END.subarray(512), whole])),
      'goes on behind a mark of its end',
    ],
    ['in a cut gzip', gzipSync(whole).subarray(0, -9), 'is no gzip that can be read'],
    [
      'behind a gzip',
      Buffer.concat([gzipSync(whole), new Uint8Array(9)]),
      'bytes behind its compressed data',
    ],
    ['beside a gzip', Buffer.concat([gzipSync(whole), Buffer.from('more')]), 'is no gzip that can be read'],
    ['not compressed', whole, 'is no gzip that can be read'],
    ['of no bytes', new Uint8Array(0), 'can'],
    ['that is no tar', gzipSync('x'.repeat(2048)), 'a header whose number can not be read'],
  ])('%s is refused', async (_what, archive, why) => {
    expect(await failure(archive)).toMatch(/^SOURCE_INVALID/);
    expect(await failure(archive)).toContain(why);
  });
});

describe('the limits', () => {
  /** An endless archive, and how much of it was asked for. */
  function endless(block: Uint8Array): {
    readonly taken: () => number;
    chunks(): AsyncGenerator<Uint8Array>;
  } {
    let taken = 0;
    return {
      taken: () => taken,
      async *chunks(): AsyncGenerator<Uint8Array> {
        for (;;) {
          taken += block.length;
          yield block;
        }
      },
    };
  }

  it('are kept for entries: reading ends at the first one too many', async () => {
    const folders = endless(tarEntry({ name: 'a/', type: '5' }));
    expect(await failureOf(readTar(folders.chunks(), DEFAULT_ARCHIVE_LIMITS))).toBe(
      'SOURCE_TOO_LARGE: the archive has more than 1000 entries',
    );
    expect(folders.taken()).toBe(1001 * 512);
  });

  it('are kept for headers of entries that never come', async () => {
    const headers = endless(paxEntry({ path: 'a' }));
    expect(await failureOf(readTar(headers.chunks(), LIMITS))).toContain('more than 5 entries');
    expect(headers.taken()).toBe(6 * 1024);
    const long: TarEntry = { name: 'l', type: 'L', content: 'a'.repeat(70_000) };
    expect(await failure(tarGzipOf([long, { name: 'b' }]))).toBe(
      'SOURCE_TOO_LARGE: the archive has a header of 70000 bytes, at most 65536 are taken',
    );
  });

  it('are kept for files and all bytes, before their content is read', async () => {
    const large = endless(tarEntry({ name: 'a', size: 601 }));
    expect(await failureOf(readTar(large.chunks(), LIMITS))).toBe(
      'SOURCE_TOO_LARGE: archive entry "a" has 601 bytes, at most 600 are taken',
    );
    expect(large.taken()).toBe(512);
    const two = ['a', 'b'].map((name) => ({ name, content: randomBytes(501) }));
    expect(await failure(tarGzipOf(two), LIMITS)).toContain('more than 1000 bytes together');
    const terabytes = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0);
    expect(await failure(tarGzipOf([{ name: 'a', size: terabytes }]))).toContain('at most 2097152 are taken');
  });

  it('are kept for zeros behind the end', async () => {
    const padding = endless(TAR_END);
    expect(await failureOf(readTar(padding.chunks(), LIMITS))).toContain('bytes behind its end');
    expect(padding.taken()).toBeLessThan(1024 * 1024 + 4096);
  });

  it('are kept for the ratio', async () => {
    const bomb = gzipSync(
      Buffer.concat([tarEntry({ name: 'a', content: new Uint8Array(1024 * 1024) }), TAR_END]),
    );
    expect(await failure(bomb)).toBe('SOURCE_TOO_LARGE: the archive unpacks to more than 200 times its size');
  });
});
