// Packs made by hand: those that git would make, and those that only somebody hostile would.
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_GIT_LIMITS, type PackLimits } from '../limits.ts';
import { type GitObjectType, objectId } from './scan.ts';
import { type UnpackAnswer, unpack } from './unpack.ts';

const NUMBERS: Readonly<Record<GitObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const LIMITS: PackLimits = {
  maxBytes: 4_000_000,
  maxObjects: 100,
  maxObjectBytes: 1_000_000,
  maxUnpackedBytes: 2_000_000,
  maxDepth: 10,
};

function header(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

function varint(size: number): Buffer {
  const bytes = [size % 128];
  for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

const whole = (
  type: GitObjectType,
  content: Buffer | string,
  size: number = Buffer.byteLength(content),
): Buffer => Buffer.concat([header(NUMBERS[type], size), deflateSync(content)]);
/** Inserts `text`; `sizes` are those of base and result as the delta has them. */
const delta = (text: string, baseSize: number, resultSize: number = text.length): Buffer =>
  Buffer.concat([varint(baseSize), varint(resultSize), Buffer.from([text.length]), Buffer.from(text)]);
const namedDelta = (base: string, bytes: Buffer): Buffer =>
  Buffer.concat([header(7, bytes.length), Buffer.from(base, 'hex'), deflateSync(bytes)]);
const offsetDelta = (distance: number, bytes: Buffer): Buffer =>
  Buffer.concat([header(6, bytes.length), Buffer.from([distance]), deflateSync(bytes)]);

function packOf(entries: readonly Buffer[], count: number = entries.length): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(count, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

type Tree = readonly (readonly [mode: string, name: Buffer | string, oid: string])[];
const treeOf = (entries: Tree): Buffer =>
  Buffer.concat(
    entries.flatMap(([mode, name, oid]) => [
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.from([0]),
      Buffer.from(oid, 'hex'),
    ]),
  );
const idOf = (type: GitObjectType, content: Buffer | string): string => objectId(type, Buffer.from(content));

/** A commit of a tree, and how it is found in the pack. */
function commitOf(tree: Buffer): { readonly commit: string; readonly entries: readonly Buffer[] } {
  const person = 'a <a@b.test> 0 +0000';
  const text = `tree ${idOf('tree', tree)}\nauthor ${person}\ncommitter ${person}\n\nwords\n`;
  return { commit: idOf('commit', text), entries: [whole('commit', text), whole('tree', tree)] };
}

async function unpacked(
  pack: Buffer,
  commit: string,
  { limits = LIMITS, folder }: { readonly limits?: PackLimits; readonly folder?: string } = {},
): Promise<UnpackAnswer> {
  return await unpack({
    type: 'unpack',
    packs: [Uint8Array.from(pack)],
    packLimits: limits,
    tree: {
      commit,
      place: 'https://h/a',
      limits: DEFAULT_GIT_LIMITS.files,
      ...(folder === undefined ? {} : { folder }),
    },
  });
}

const FILE = 'package a\n';
const good = commitOf(treeOf([['100644', 'a.cue', idOf('blob', FILE)]]));

async function failureOf(
  pack: Buffer,
  commit: string = good.commit,
  limits?: PackLimits,
): Promise<{ readonly code: string; readonly message: string }> {
  const answer = await unpacked(pack, commit, limits === undefined ? {} : { limits });
  if ('failure' in answer) return answer.failure;
  throw new Error('it was taken');
}

describe('a pack', () => {
  it('gives the files of a commit', async () => {
    const answer = await unpacked(packOf([...good.entries, whole('blob', FILE)]), good.commit);
    expect(answer).toEqual({ files: new Map([['a.cue', new Uint8Array(Buffer.from(FILE))]]) });
  });

  it('has deltas by offset and by name, whose bases may come later', async () => {
    const base = whole('blob', 'base');
    const byOffset = packOf([...good.entries, base, offsetDelta(base.length, delta(FILE, 4))]);
    expect(await unpacked(byOffset, good.commit)).toHaveProperty('files');
    const byName = packOf([...good.entries, namedDelta(idOf('blob', 'base'), delta(FILE, 4)), base]);
    expect(await unpacked(byName, good.commit)).toHaveProperty('files');
  });

  it('says which contents it lacks', async () => {
    expect(await unpacked(packOf(good.entries), good.commit)).toEqual({ missing: [idOf('blob', FILE)] });
  });

  it('is not searched without end for a delta that makes its own base', async () => {
    const same = namedDelta(idOf('blob', FILE), delta(FILE, FILE.length));
    for (const order of [
      [whole('blob', FILE), same, same],
      [same, whole('blob', FILE), same],
    ]) {
      expect(await unpacked(packOf([...good.entries, ...order]), good.commit)).toHaveProperty('files');
    }
  });

  const deep = Array.from({ length: 12 }, (_, at) => `text ${String(at).padStart(2, '0')}`);
  const chain = deep.slice(1).map((text, at) => namedDelta(idOf('blob', deep[at] ?? ''), delta(text, 7)));
  it.each([
    ['no pack', Buffer.from('<html>not a pack, but long enough to be one</html>'), 'does not start'],
    ['nothing', Buffer.alloc(0), 'cut off'],
    ['a cut', packOf(good.entries).subarray(0, -25), 'checksum'],
    ['a wrong checksum', Buffer.concat([packOf(good.entries).subarray(0, -1), Buffer.from([0])]), 'checksum'],
    ['more objects than it has', packOf(good.entries, 3), 'cut off'],
    ['fewer objects than it has', packOf(good.entries, 1), 'after its last'],
    ['a type that does not exist', packOf([Buffer.concat([header(5, 1), deflateSync('x')])]), 'type 5'],
    ['an object larger than it says', packOf([whole('blob', 'x'.repeat(500), 10)]), 'larger than it says'],
    ['an object smaller than it says', packOf([whole('blob', 'x', 10)]), 'smaller than it says'],
    ['a size of a hundred digits', packOf([Buffer.alloc(100, 0xff)]), 'impossible size'],
    [
      'bytes that are not deflated',
      packOf([Buffer.concat([header(3, 5), Buffer.from('plain')])]),
      'inflated',
    ],
    ['a base before the start', packOf([offsetDelta(99, delta('x', 1))]), 'base'],
    ['a base that is itself', packOf([offsetDelta(0, delta('x', 1))]), 'base'],
    ['a base that is nowhere', packOf([namedDelta('a'.repeat(40), delta('x', 1))]), 'not in it'],
    [
      'a delta for another base',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), delta('x', 1))]),
      'another size',
    ],
    [
      'a delta that makes less',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), delta('x', 2, 9))]),
      'makes less',
    ],
    [
      'a delta that makes more',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), delta('xxx', 2, 1))]),
      'beyond',
    ],
    [
      'a delta that reads past its base',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), Buffer.from([2, 9, 0x91, 1, 9]))]),
      'beyond',
    ],
    [
      'a delta of unknown kind',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), Buffer.from([2, 9, 0]))]),
      'unknown instruction',
    ],
    [
      'half a delta',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), Buffer.from([2, 9, 0xff, 1]))]),
      'cut off',
    ],
  ])('with %s is broken', async (_what, pack, words) => {
    const { code, message } = await failureOf(pack);
    expect(message).toContain(words);
    expect(code).toBe('SOURCE_INVALID');
  });

  it.each([
    ['bytes', packOf([whole('blob', Buffer.alloc(100))]), { maxBytes: 40 }],
    ['objects', packOf([], 4_000_000_000), {}],
    ['bytes in one object, before they are inflated', packOf([whole('blob', 'x', 4_000_000_000)]), {}],
    ['bytes altogether', packOf(Array.from({ length: 3 }, () => whole('blob', Buffer.alloc(900_000)))), {}],
    [
      'bytes made by a delta',
      packOf([whole('blob', 'ab'), namedDelta(idOf('blob', 'ab'), delta('x', 2, 4_000_000_000))]),
      {},
    ],
    [
      'bytes made by all deltas',
      packOf([
        whole('blob', 'ab'),
        ...Array.from({ length: 3 }, () => namedDelta(idOf('blob', 'ab'), delta('x', 2, 900_000))),
      ]),
      {},
    ],
    ['deltas on deltas', packOf([whole('blob', deep[0] ?? ''), ...chain]), {}],
    ['deltas on deltas, the last first', packOf([...chain, whole('blob', deep[0] ?? '')].reverse()), {}],
  ])('with too many %s is not read', async (_what, pack, limits) => {
    const { code, message } = await failureOf(pack, good.commit, { ...LIMITS, ...limits });
    expect(message).toMatch(/over \d+/);
    expect(code).toBe('SOURCE_TOO_LARGE');
  });
});

describe('any bytes', () => {
  const base = whole('blob', 'base');
  const sound = packOf([...good.entries, base, offsetDelta(base.length, delta(FILE, 4))]);
  const body = sound.subarray(0, -20);
  const withChecksum = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes, createHash('sha1').update(bytes).digest()]);

  it('get an answer', async () => {
    const change = fc.tuple(fc.nat(body.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(20), async (changes, cut) => {
        const bytes = Buffer.from(body.subarray(0, body.length - cut));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const answer = await unpacked(withChecksum(bytes), good.commit);
        // Whatever was changed: files are those of the commit, byte for byte, or there are none.
        if ('files' in answer) expect(Buffer.from(answer.files.get('a.cue') ?? []).toString()).toBe(FILE);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a tree', () => {
  const blob = whole('blob', FILE);
  const oid = idOf('blob', FILE);

  it.each([
    '.git',
    '.GIT',
    '.git ',
    '.git...',
    'git~1',
    'GIT~1',
    '.git::$INDEX_ALLOCATION',
    '.g\u200cit',
    '..',
    '.',
    '',
    'a/b.cue',
    'a\\b.cue',
    'a:b.cue',
    'a?.cue',
    'con.cue',
    'NUL.x.cue',
    'prog~1/a.cue',
    'tr .',
    Buffer.from([0x61, 0xff, 0x2e, 0x63, 0x75, 0x65]),
    'a\u202eeuc.cue',
    'a\u0007.cue',
  ])('with the name %j is refused', async (name) => {
    const [first, file] = String(name) === 'prog~1/a.cue' ? ['prog~1', 'a.cue'] : [name, undefined];
    const inner = treeOf([['100644', 'a.cue', oid]]);
    const isFile = file === undefined && String(name).includes('cue');
    const { commit, entries } = commitOf(
      treeOf([isFile ? ['100644', first, oid] : ['40000', first, idOf('tree', inner)]]),
    );
    const { code } = await failureOf(packOf([...entries, whole('tree', inner), blob]), commit);
    expect(code).toBe('SOURCE_INVALID');
  });

  it('that holds itself many times over is given up', async () => {
    let inner = treeOf([['100644', 'a.cue', oid]]);
    const trees = [whole('tree', inner)];
    for (let level = 0; level < 8; level++) {
      const id = idOf('tree', inner);
      inner = treeOf(
        Array.from({ length: 20 }, (_, at) => ['40000', `d${String(at).padStart(2, '0')}`, id] as const),
      );
      trees.push(whole('tree', inner));
    }
    const { commit, entries } = commitOf(inner);
    const { code, message } = await failureOf(packOf([...entries, ...trees, blob]), commit);
    expect(message).toMatch(/over \d+/);
    expect(code).toBe('SOURCE_TOO_LARGE');
  });

  it('that has a file twice is refused', async () => {
    const { commit, entries } = commitOf(
      treeOf([
        ['100644', 'a.cue', oid],
        ['100644', 'a.cue', oid],
      ]),
    );
    expect((await failureOf(packOf([...entries, blob]), commit)).message).toContain('twice');
  });

  it('is found from a commit, and from nothing else', async () => {
    const pack = packOf([...good.entries, blob]);
    expect(await failureOf(pack, oid)).toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('not a commit'),
    });
    expect(await failureOf(pack, 'b'.repeat(40))).toMatchObject({ code: 'SOURCE_CHANGED' });
    const { commit, entries } = commitOf(treeOf([['40000', 'x', 'c'.repeat(40)]]));
    expect(await failureOf(packOf(entries), commit)).toMatchObject({ code: 'SOURCE_INVALID' });
  });

  it('without CUE is no module', async () => {
    const { commit, entries } = commitOf(treeOf([['100644', 'readme', oid]]));
    expect(await failureOf(packOf([...entries, blob]), commit)).toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});
