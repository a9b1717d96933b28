import { afterAll, beforeAll, expect, test } from 'vitest';
import { CuePool, type CueTree } from './index.ts';

const MIB = 1024 * 1024;
let pool: CuePool;
let count = 0;

beforeAll(async () => {
  pool = await CuePool.create({
    deadlineMs: 1_500,
    maxMemoryBytes: 192 * MIB,
    maxOutputBytes: MIB,
    maxWorkers: 1,
  });
});
afterAll(() => pool.close());

/** Stopped or refused, or evaluated: but in any case over. */
async function evaluated(files: CueTree, json = '{}'): Promise<string> {
  const outcome = await pool.evaluate({
    module: { id: `m${count++}`, files },
    fills: [{ path: 'input', json }],
    queries: [{ type: 'export', path: '' }],
  });
  const errors = outcome.ok ? (outcome.results[0]?.errors ?? []) : outcome.errors;
  const [first] = errors;
  if (first === undefined) return 'evaluated';
  return first.kind === 'limit' ? `limit: ${first.limit}` : first.kind;
}

/** The pool still answers. */
async function serves(): Promise<void> {
  const outcome = await pool.evaluate(
    { module: { id: 'good', files: { 'a.cue': 'x: 1' } }, queries: [{ type: 'export', path: 'x' }] },
    { deadlineMs: 30_000 },
  );
  expect(outcome.ok && outcome.results[0]?.json).toBe('1');
}

const laughs = Array.from(
  { length: 12 },
  (_, i) => `a${i + 1}: [${Array(10).fill(`a${i}`).join(', ')}]`,
).join('\n');
const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n);
const stopped = /^limit: (deadline|memory)$/;

test.each<[string, CueTree, RegExp]>([
  [
    'infinite recursion',
    { 'a.cue': '#f: {n: int, r: (#f & {n: n + 1}).r}\nx: (#f & {n: 0}).r' },
    /conflict|incomplete|limit/,
  ],
  ['a structural cycle', { 'a.cue': '#l: {v: int, next: #l}\nx: #l & {v: 1}' }, /conflict/],
  ['a billion laughs', { 'a.cue': `a0: ["lol"]\n${laughs}` }, /limit/],
  [
    'exponential strings',
    { 'a.cue': `import "strings"\nx: strings.Repeat("x", 1000000000)` },
    /conflict|limit/,
  ],
  [
    'strings doubled again and again',
    {
      'a.cue': `s0: "0123456789"\n${Array.from({ length: 40 }, (_, i) => `s${i + 1}: s${i} + s${i}`).join('\n')}`,
    },
    /conflict|limit/,
  ],
  [
    'nested ranges',
    {
      'a.cue':
        'import "list"\nx: [for a in list.Range(0, 1000000, 1) for b in list.Range(0, 1000000, 1) {a + b}]',
    },
    stopped,
  ],
  [
    'a long loop',
    { 'a.cue': 'import "list"\nx: len([for a in list.Range(0, 10000000, 1) if a < 0 {a}])' },
    stopped,
  ],
  ['nesting of 10,001 brackets', { 'a.cue': `x: ${deep(10_001)}` }, /syntax|limit/],
  [
    'nesting of 100,000 parentheses',
    { 'a.cue': `x: ${'('.repeat(100_000)}1${')'.repeat(100_000)}` },
    /syntax|limit/,
  ],
  ['nesting of 9,000 structs', { 'a.cue': `x: ${'{a: '.repeat(9_000)}1${'}'.repeat(9_000)}` }, /./],
  ['a regular expression', { 'a.cue': `x: "${'a'.repeat(5_000)}!" & =~"^(a+)+$"` }, /conflict/],
  [
    'a regular expression that grows',
    { 'a.cue': 'x: "a" & =~"((a{0,100}){0,100}){0,100}"' },
    /conflict|syntax|limit|incomplete/,
  ],
  ['a huge power', { 'a.cue': 'import "math"\nx: math.Pow(10, 1000000000)' }, /conflict|incomplete|limit/],
  ['a huge number', { 'a.cue': `x: ${'9'.repeat(200_000)} * ${'9'.repeat(200_000)}` }, /./],
  ['dividing by nothing', { 'a.cue': 'x: 0 / 0' }, /conflict/],
  [
    'disjunctions without number',
    {
      'a.cue': `${Array.from({ length: 24 }, (_, i) => `#d${i}: {a${i}: 1} | {b${i}: 2}`).join('\n')}\nx: ${Array.from({ length: 24 }, (_, i) => `#d${i}`).join(' & ')}`,
    },
    /./,
  ],
  [
    'an answer over its limit',
    { 'a.cue': 'import "strings"\nx: strings.Repeat("0123456789", 200000)' },
    /limit: output/,
  ],
])('%s', async (_name, files, expected) => {
  expect(await evaluated(files)).toMatch(expected);
  await serves();
});

test('inputs', async () => {
  const source = { 'a.cue': 'input: _' };
  expect(await evaluated(source, deep(10_001))).toMatch(/syntax|limit/);
  expect(await evaluated(source, 'NaN')).toBe('syntax');
  expect(await evaluated(source, '{"__proto__":{"polluted":true}}')).toBe('evaluated');
  expect(await evaluated(source, `{"n":${'9'.repeat(10_000)}}`)).toBe('evaluated');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  await serves();
});

test('labels without number fit in or are stopped', async () => {
  const keys = Array.from({ length: 200_000 }, (_, i) => `"k${i}":0`).join(',');
  expect(await evaluated({ 'a.cue': 'input: _' }, `{${keys}}`)).toMatch(/limit|evaluated/);
  await serves();
});

test('memory stays under its maximum, and the good are served meanwhile', async () => {
  const attack = evaluated({
    'a.cue': 'import "list"\nx: [for a in list.Range(0, 100000000, 1) {"\\(a)": a}]',
  });
  await serves();
  expect(await attack).toMatch(stopped);
  expect(pool.stats.peakWorkerMemoryBytes).toBeLessThanOrEqual(192 * MIB);
});
