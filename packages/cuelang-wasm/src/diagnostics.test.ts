import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CueDiagnostic, type CueFill, CuePool, type CueTree } from './index.ts';

let pool: CuePool;
let count = 0;

beforeAll(async () => {
  pool = await CuePool.create({ deadlineMs: 30_000, maxErrors: 20 });
});
afterAll(() => pool.close());

interface Asked {
  readonly files: CueTree;
  readonly path?: string;
  readonly concrete?: boolean;
  readonly fills?: readonly CueFill[];
  /** Text checked against the value at `path` alone. */
  readonly input?: string;
}

async function errorsOf(asked: Asked): Promise<readonly CueDiagnostic[]> {
  const { files, path = '', concrete = true, fills = [], input } = asked;
  const alone = input === undefined ? {} : { fill: { json: input, name: 'input' }, reportAs: 'input' };
  const outcome = await pool.evaluate({
    module: { id: `m${count++}`, files },
    fills,
    queries: [{ type: 'validate', path, concrete, ...alone }],
  });
  return outcome.ok ? (outcome.results[0]?.errors ?? []) : outcome.errors;
}

/** Kind, path, first position and message of each error, one line each. */
function brief(errors: readonly CueDiagnostic[]): string[] {
  return errors.map((it) => {
    const [at] = it.positions;
    return `${it.kind} ${it.path} ${at === undefined ? '-' : `${at.file}:${at.line}:${at.column}`} ${it.message}`;
  });
}

describe('modules that can’t be opened', () => {
  const cueMod = { 'cue.mod/module.cue': 'module: "a.b/c@v0"\nlanguage: version: "v0.15.0"\n' };

  test.each<[string, CueTree, string[]]>([
    ['a syntax error', { 'a.cue': 'package a\nx: {' }, ["syntax  a.cue:2:5 expected '}', found 'EOF'"]],
    [
      'syntax errors in several files',
      { 'a.cue': 'package a\nx: ]', 'b.cue': 'package a\ny: )' },
      ["syntax  a.cue:2:4 expected operand, found ']'", "syntax  b.cue:2:4 expected operand, found ')'"],
    ],
    [
      'an unknown name',
      { 'a.cue': 'x: y\nz: w' },
      ['syntax x a.cue:1:4 reference "y" not found', 'syntax z a.cue:2:4 reference "w" not found'],
    ],
    [
      'missing packages, each at its import',
      { ...cueMod, 'a.cue': 'package a\nimport "a.b/c/d"\nimport "x.y/z"\nu: d.x\nv: z.x' },
      ['import  a.cue:2:8 cannot find package "a.b/c/d"', 'import  a.cue:3:8 cannot find package "x.y/z"'],
    ],
    [
      'a package of CUE that there isn’t',
      { 'a.cue': 'package a\nimport "nothing"\nu: nothing.x' },
      ['import  a.cue:2:8 builtin package "nothing" undefined'],
    ],
    [
      'an unused import',
      { 'a.cue': 'package a\nimport "strings"\nx: 1' },
      ['syntax  a.cue:2:8 imported and not used: "strings"'],
    ],
    [
      'an import cycle',
      {
        ...cueMod,
        'a.cue': 'package c\nimport "a.b/c/d"\nx: d.x',
        'd/d.cue': 'package d\nimport "a.b/c"\nx: c.x',
      },
      ['import  a.cue:2:8 import failed: import cycle: a.b/c@v0 -> a.b/c/d@v0 -> a.b/c@v0'],
    ],
    ['no files', { 'sub/a.cue': 'x: 1' }, ['import  - no CUE files in package "."']],
    [
      'a newer language than the evaluator’s',
      {
        'cue.mod/module.cue': 'module: "a.b/c@v0"\nlanguage: {\n\tversion: "v0.99.0"\n}',
        'a.cue': 'package a',
      },
      [
        'import  cue.mod/module.cue:3:11 the module needs CUE language version v0.99.0, this evaluator has v0.17.1',
      ],
    ],
  ])('%s', async (_name, files, expected) => {
    expect(brief(await errorsOf({ files }))).toEqual(expected);
  });
});

describe('values', () => {
  test('all conflicts are told, each with its path and both places', async () => {
    const files = { 'a.cue': 'package a\nx: y: 1\nz: "s"', 'b.cue': 'package a\nx: y: 2\nz: int' };
    const errors = await errorsOf({ files });
    expect(brief(errors)).toEqual([
      'conflict x.y a.cue:2:7 conflicting values 2 and 1',
      expect.stringMatching(
        /^conflict z .* conflicting values "s" and int \(mismatched types string and int\)$/,
      ),
    ]);
    expect(errors[0]?.positions.map((it) => `${it.file}:${it.line}:${it.column}`)).toEqual([
      'a.cue:2:7',
      'b.cue:2:7',
    ]);
  });

  test('conflicts and incomplete values beside each other are told apart', async () => {
    const files = { 'a.cue': 'a: 1 & 2\nb: string\nc: {d: e.f, e: {...}}\ng!: int\nh: [if b == "x" {1}]' };
    expect((await errorsOf({ files })).map((it) => `${it.kind} ${it.path}`)).toEqual([
      'conflict a',
      'incomplete b',
      'incomplete c.d',
      'missing g',
      'incomplete h',
    ]);
    expect((await errorsOf({ files, concrete: false })).map((it) => `${it.kind} ${it.path}`)).toEqual([
      'conflict a',
    ]);
  });

  test('an incomplete value names what it lacks', async () => {
    const source =
      'observed: {...}\ncontext: {...}\nx: "\\(observed.db.host):\\(context.port)"\ny: _z\n_z: observed.q.n + 1';
    const fills = [
      { path: 'observed', json: '{}' },
      { path: 'context', json: '{"port":1}' },
    ];
    const errors = await errorsOf({ files: { 'a.cue': `package a\n${source}` }, fills });
    expect(errors.map((it) => [it.kind, it.path, it.references])).toEqual([
      ['incomplete', 'x', ['observed.db.host']],
      ['incomplete', '_z', ['observed.q.n']],
    ]);
  });

  test('a cycle that only a hidden field shows is a conflict', async () => {
    const files = { 'm.cue': 'package m\n_loop: {next: _loop}\nout: a: _loop\n' };
    const outcome = await pool.evaluate({
      module: { id: 'hidden-cycle', files },
      queries: [{ type: 'children', path: 'out' }],
    });
    const [answer] = outcome.ok ? outcome.results : [];
    expect(brief(answer?.children[0]?.errors ?? [])).toEqual(['conflict _loop.next - structural cycle']);
  });

  test('more errors than the limit are counted', async () => {
    const source = Array.from({ length: 30 }, (_, i) => `f${i}: 1 & 2`).join('\n');
    const errors = await errorsOf({ files: { 'a.cue': source } });
    expect(errors).toHaveLength(21);
    expect(errors.at(-1)).toMatchObject({
      kind: 'limit',
      limit: 'output',
      message: '10 more errors are not listed',
    });
  });
});

describe('input alone', () => {
  const files = {
    'a.cue':
      'package a\n#Input: {\n\tname!: string\n\timage: string\n\treplicas: int & >0 | *2\n\tport?: int\n\tlist: [...{n: int}]\n}\ninput: #Input\nother: 1 & 2',
  };

  test.each<[string, string, string[]]>([
    ['right', '{"name":"a","image":"b","list":[{"n":1}]}', []],
    [
      'what is missing',
      '{}',
      [
        'missing input.name a.cue:3:2 field is required but not present',
        'missing input.image a.cue:4:9 incomplete value string',
      ],
    ],
    [
      'wrong types, unknown fields and what is missing, all at once',
      '{"name":1,"imag":"b","list":[{"n":"x"}]}',
      [
        'conflict input.name a.cue:3:9 conflicting values string and 1 (mismatched types string and int)',
        'missing input.image a.cue:4:9 incomplete value string',
        'conflict input.imag input:1:12 field not allowed',
        'conflict input.list[0].n a.cue:7:16 conflicting values "x" and int (mismatched types string and int)',
      ],
    ],
    [
      'no JSON',
      '{"name":',
      ['syntax input input:1:8 invalid JSON for file "input": unexpected end of JSON input'],
    ],
    [
      'CUE is no JSON',
      '{name: "a"}',
      [
        'syntax input input:1:2 invalid JSON for file "input": invalid character \'n\' looking for beginning of object key string',
      ],
    ],
  ])('%s', async (_name, input, expected) => {
    const errors = await errorsOf({ files, path: '#Input', input });
    expect(brief(errors).toSorted()).toEqual(expected.toSorted());
  });

  test('a place in the input is called input', async () => {
    const errors = await errorsOf({
      files,
      path: '#Input',
      input: '{"name":"a",\n"image":"b",\n"replicas":"x"}',
    });
    const places = errors.flatMap((it) => it.positions).filter((it) => it.file === 'input');
    expect(places[0]).toEqual({ file: 'input', line: 3, column: 12 });
    expect(JSON.stringify(errors)).not.toMatch(/\/(tmp|root|work|home)\//);
  });

  test('a gate that finds errors leaves the rest unanswered', async () => {
    const gate = { type: 'validate', path: '#Input', concrete: true, gate: true } as const;
    const rest = { type: 'export', path: 'other' } as const;
    const run = (json: string) =>
      pool.evaluate({ module: { id: 'gate', files }, queries: [{ ...gate, fill: { json } }, rest] });
    const shut = await run('{}');
    expect(shut.ok && shut.results.map((it) => it?.type)).toEqual(['validate', undefined]);
    const open = await run('{"name":"a","image":"b"}');
    expect(open.ok && open.results.map((it) => it?.type)).toEqual(['validate', 'export']);
  });
});

describe('children', () => {
  async function children(source: string, path = 'nodes') {
    const outcome = await pool.evaluate({
      module: { id: `m${count++}`, files: { 'a.cue': `package a\nobserved: {...}\n${source}` } },
      fills: [{ path: 'observed', json: '{"ready":{"x":1}}' }],
      queries: [{ type: 'children', path }],
    });
    if (!outcome.ok) throw new Error(outcome.errors[0]?.message);
    const [result] = outcome.results;
    return {
      own: (result?.errors ?? []).map((it) => it.kind),
      children: (result?.children ?? []).map((it) => [
        it.label,
        it.json ?? it.errors.map((e) => e.kind).join(),
      ]),
    };
  }

  test('each is complete, incomplete or conflicting by itself', async () => {
    const source =
      'nodes: {ok: a: 1, "open-1": {a: observed.db.host, b: 1}, wrong: a: 1 & 2, type: {a: string}, "both": {a: string, b: 1 & 2}}';
    expect(await children(source)).toEqual({
      own: [],
      children: [
        ['ok', '{"a":1}'],
        ['open-1', 'incomplete'],
        ['wrong', 'conflict'],
        ['type', 'incomplete'],
        ['both', 'incomplete,conflict'],
      ],
    });
  });

  test('a comprehension that lacks a value makes the struct itself incomplete', async () => {
    const source = 'nodes: {a: 1, if observed.db.ready {b: 2}, if observed.ready.x > 0 {c: 3}}';
    const result = await children(source);
    expect(result.own).toEqual(['incomplete']);
    expect(result.children).toContainEqual(['a', '1']);
    expect(result.children).toContainEqual(['c', '3']);
  });

  test('elements of a list', async () => {
    expect(await children('nodes: [{id: "a"}, {id: "b", x: observed.q.y}]')).toEqual({
      own: [],
      children: [
        ['0', '{"id":"a"}'],
        ['1', 'incomplete'],
      ],
    });
    const open = await children('nodes: [{id: "a"}, if observed.db.ready {id: "b"}]');
    expect(open.own).toEqual(['incomplete']);
  });

  test('a field is plainly absent, or may yet come', async () => {
    const run = async (source: string) => {
      const outcome = await pool.evaluate({
        module: { id: `m${count++}`, files: { 'a.cue': `observed: {...}\n${source}` } },
        fills: [{ path: 'observed', json: '{}' }],
        queries: [{ type: 'export', path: 'graph.violations' }],
      });
      const result = outcome.ok ? outcome.results[0] : undefined;
      return [result?.exists, ...(result?.errors ?? []).flatMap((it) => [it.kind, it.references])];
    };
    expect(await run('graph: {a: b: 1 & 2}')).toEqual([false]);
    expect(await run('graph: violations?: [...]')).toEqual([false]);
    expect(await run('graph: {if observed.db.bad {violations: [1]}}')).toEqual([
      false,
      'incomplete',
      ['observed.db.bad'],
    ]);
  });

  test('what is no struct and what is not there', async () => {
    expect(await children('nodes: 1')).toEqual({ own: ['conflict'], children: [] });
    expect(await children('x: 1')).toEqual({ own: [], children: [] });
  });
});
