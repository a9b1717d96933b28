import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CueFill, type CueModule, CuePool, type CueTree } from './index.ts';

let pool: CuePool;
let count = 0;

beforeAll(async () => {
  pool = await CuePool.create({ deadlineMs: 30_000 });
});
afterAll(() => pool.close());

function moduleOf(files: CueTree | string, rest: Omit<CueModule, 'id' | 'files'> = {}): CueModule {
  return { id: `m${count++}`, files: typeof files === 'string' ? { 'main.cue': files } : files, ...rest };
}

/** The JSON of a path, or the messages of what is wrong. */
async function exported(
  module: CueModule,
  path = '',
  fills: readonly CueFill[] = [],
  folder = '.',
): Promise<unknown> {
  const queries = [{ type: 'export', path }] as const;
  const outcome = await pool.evaluate({ module, package: folder, fills, queries });
  if (!outcome.ok) return outcome.errors.map((it) => `${it.kind}: ${it.message}`);
  const [result] = outcome.results;
  if (result?.json === undefined) return (result?.errors ?? []).map((it) => `${it.kind}: ${it.message}`);
  return JSON.parse(result.json);
}

describe('the language', () => {
  test.each<[string, string, unknown]>([
    ['defaults', 'x: *1 | int\ny: "a" | *"b"', { x: 1, y: 'b' }],
    [
      'comprehensions',
      'x: [for i in [1, 2, 3] if i > 1 {i * 2}]\ny: {for k in ["a"] {"\\(k)-x": 1}}',
      { x: [4, 6], y: { 'a-x': 1 } },
    ],
    ['strings', 'import "strings"\nx: strings.ToUpper(strings.Join(["a", "b"], "-"))', { x: 'A-B' }],
    ['list', 'import "list"\nx: list.Sort([2, 1], list.Ascending)', { x: [1, 2] }],
    ['json', 'import "encoding/json"\nx: json.Unmarshal(json.Marshal({a: 1}))', { x: { a: 1 } }],
    ['yaml', 'import "encoding/yaml"\nx: yaml.Marshal({a: [1]})', { x: 'a:\n  - 1\n' }],
    ['base64', 'import "encoding/base64"\nx: base64.Encode(null, "hi")', { x: 'aGk=' }],
    ['net', 'import "net"\nx: "10.0.0.1" & net.IPv4', { x: '10.0.0.1' }],
    [
      'time',
      'import "time"\nx: time.Duration & "1h"\ny: time.Parse(time.RFC3339, "2024-01-02T03:04:05Z")',
      { x: '1h', y: '2024-01-02T03:04:05Z' },
    ],
    ['math', 'import "math"\nx: math.Floor(2.5)', { x: 2 }],
    ['regular expressions', 'x: =~"^a+$" & "aaa"', { x: 'aaa' }],
    ['attributes are ignored', 'x: 1 @json(y) @tag(z)', { x: 1 }],
    ['hidden fields and definitions are left out', '_a: 1\n#b: 2\nx: _a + #b', { x: 3 }],
    ['a package without a package clause', 'x: 1', { x: 1 }],
    ['let and aliases', 'let a = 1\nX="x-x": a\ny: X', { 'x-x': 1, y: 1 }],
  ])('%s', async (_name, source, expected) => {
    expect(await exported(moduleOf(source))).toEqual(expected);
  });

  test('definitions are closed', async () => {
    expect(await exported(moduleOf('#d: {a?: int}\nx: #d & {b: 1}'))).toEqual([
      'conflict: field not allowed',
    ]);
  });

  test('numbers keep all their digits', async () => {
    const module = moduleOf('in: _\nbig: in.a + 1\ncopy: in');
    const json = '{"a":9223372036854775807,"b":1e400,"c":0.1000000000000000055511151231257827}';
    const queries = [
      { type: 'export', path: 'copy' },
      { type: 'export', path: 'big' },
    ] as const;
    const outcome = await pool.evaluate({ module, fills: [{ path: 'in', json }], queries });
    expect(outcome.ok && outcome.results.map((it) => it?.json)).toEqual([
      '{"a":9223372036854775807,"b":1E+400,"c":0.1000000000000000055511151231257827}',
      '9223372036854775808',
    ]);
  });

  test('keys that mean something elsewhere are plain keys', async () => {
    const json = '{"__proto__":{"x":1},"constructor":2,"_h":3,"#d":4,"a b":5,"0":6}';
    const queries = [{ type: 'children', path: 'in' }] as const;
    const outcome = await pool.evaluate({
      module: moduleOf('in: _'),
      fills: [{ path: 'in', json }],
      queries,
    });
    const children = outcome.ok ? outcome.results[0]?.children : [];
    expect(children?.map((it) => [it.label, it.json])).toEqual([
      ['__proto__', '{"x":1}'],
      ['constructor', '2'],
      ['_h', '3'],
      ['#d', '4'],
      ['a b', '5'],
      ['0', '6'],
    ]);
  });

  test('the same request gives the same bytes in any worker', async () => {
    const source = 'x: {for k in ["c", "a", "b"] {"\\(k)": {z: 1, y: k}}}\nz: 1\na: 2';
    const queries = [{ type: 'export', path: '' }] as const;
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => pool.evaluate({ module: moduleOf(source), queries })),
    );
    expect(new Set(answers.map((it) => JSON.stringify(it.ok && it.results))).size).toBe(1);
  });
});

describe('modules', () => {
  const cueMod = { 'cue.mod/module.cue': 'module: "shop.example/web@v0"\nlanguage: version: "v0.15.0"\n' };

  test('several files are one package, each with its own imports', async () => {
    const module = moduleOf({
      ...cueMod,
      'a.cue': 'package web\nimport "strings"\na: strings.ToUpper(b)',
      'b.cue': 'package web\nimport "list"\nb: "x"\nc: list.Max([1, 2])',
    });
    expect(await exported(module)).toEqual({ a: 'X', b: 'x', c: 2 });
  });

  test('sub-packages are imported by the module path, and share the files of folders above', async () => {
    const module = moduleOf({
      ...cueMod,
      'web.cue':
        'package web\nimport "shop.example/web/parts/db"\nimport p "shop.example/web/parts@v0:parts"\nx: db.name\ny: p.n',
      'parts/parts.cue': 'package parts\nn: 1',
      'parts/db.cue': 'package db\nsuffix: "-x"',
      'parts/db/db.cue': 'package db\nname: "db\\(suffix)"',
    });
    expect(await exported(module)).toEqual({ x: 'db-x', y: 1 });
    expect(await exported(module, 'name', [], './parts/db')).toEqual('db-x');
  });

  test('built-in modules resolve with and without a version, from a tree without a module file too', async () => {
    const builtin = {
      'cue.mod/module.cue': 'module: "pequod.io@v0"\nlanguage: version: "v0.15.0"\n',
      'graph/graph.cue': 'package graph\nimport "pequod.io/base"\n#G: {n: base.n, ...}',
      'base/base.cue': 'package base\nn: 7',
    };
    const source = 'import a "pequod.io/graph@v0"\nimport b "pequod.io/graph"\nx: a.#G\ny: b.#G';
    expect(await exported(moduleOf(source, { builtins: [builtin] }))).toEqual({ x: { n: 7 }, y: { n: 7 } });
  });

  test('vendored packages are found in cue.mod, as one package', async () => {
    const module = moduleOf({
      ...cueMod,
      'web.cue': 'package web\nimport "k8s.io/api"\nx: api.a + api.b + api.c',
      'cue.mod/gen/k8s.io/api/api.cue': 'package api\na: 1',
      'cue.mod/pkg/k8s.io/api/api.cue': 'package api\nb: 2',
      'cue.mod/usr/k8s.io/api/api.cue': 'package api\nc: 4',
    });
    expect(await exported(module)).toEqual({ x: 7 });
  });

  test('dependencies are asked for, in the highest version that anyone needs, and once', async () => {
    const asked: string[] = [];
    const lib = (version: string, more = ''): CueTree => ({
      'cue.mod/module.cue': `module: "lib.example/a@v0"\nlanguage: version: "v0.15.0"\n${more}`,
      'a.cue': `package a\nversion: "${version}"`,
    });
    const trees: Record<string, CueTree> = {
      'lib.example/a@v0 v0.1.0': lib('v0.1.0'),
      'lib.example/a@v0 v0.2.0': lib('v0.2.0'),
      'lib.example/b@v1 v1.0.0': {
        'cue.mod/module.cue':
          'module: "lib.example/b@v1"\nlanguage: version: "v0.15.0"\ndeps: "lib.example/a@v0": v: "v0.2.0"\n',
        'sub/b.cue': 'package sub\nimport "lib.example/a"\nv: a.version',
      },
    };
    const module = moduleOf(
      {
        'cue.mod/module.cue':
          'module: "shop.example/web@v0"\nlanguage: version: "v0.15.0"\ndeps: {\n"lib.example/a@v0": v: "v0.1.0"\n"lib.example/b@v1": v: "v1.0.0"\n}\n',
        'web.cue':
          'package web\nimport "lib.example/a"\nimport "lib.example/b/sub@v1"\nx: a.version\ny: sub.v',
      },
      {
        dependencies: (path, version) => {
          asked.push(`${path} ${version}`);
          return Promise.resolve(trees[`${path} ${version}`] ?? {});
        },
      },
    );
    expect(await exported(module)).toEqual({ x: 'v0.2.0', y: 'v0.2.0' });
    expect(await exported(module)).toEqual({ x: 'v0.2.0', y: 'v0.2.0' });
    expect(asked.toSorted()).toEqual(Object.keys(trees).toSorted());
  });

  test('a loader that fails rejects the evaluation', async () => {
    const files = {
      'cue.mod/module.cue': 'module: "a.b/c@v0"\ndeps: "lib.example/a@v0": v: "v0.1.0"',
      'x.cue': 'package c\nimport "lib.example/a"\nx: a.x',
    };
    const dependencies = (): Promise<CueTree> => Promise.reject(new Error('no registry'));
    await expect(exported(moduleOf(files, { dependencies }))).rejects.toThrow('no registry');
    expect(await exported(moduleOf(files))).toEqual([
      'import: the module depends on lib.example/a@v0 v0.1.0, which is not supplied',
    ]);
  });

  test('tool and test files, tagged files and data files are no part of a package', async () => {
    const module = moduleOf({
      'a.cue': 'package web\nx: 1',
      'a_tool.cue': 'package web\nimport "tool/exec"\ncommand: run: exec.Run & {cmd: "id"}',
      'a_test.cue': 'package web\ny: 1',
      'tagged.cue': '@if(prod)\npackage web\ny: 2',
      'untagged.cue': '@if(!prod && !dev)\npackage web\nz: 3',
      'ignored.cue': '@ignore()\npackage web\ny: 4',
      '_draft.cue': 'package web\ny: 5',
      'data.json': '{"y": 6}',
    });
    expect(await exported(module)).toEqual({ x: 1, z: 3 });
  });

  test('a package can be picked where a folder has several', async () => {
    const module = moduleOf({ 'a.cue': 'package a\nx: 1', 'b.cue': 'package b\nx: 2' });
    expect(await exported(module, 'x', [], '.:b')).toBe(2);
    expect(await exported(module, 'x')).toEqual(['import: found packages a, b in ".": name one as ".:a"']);
  });

  test('files of the host are out of reach', async () => {
    const embed =
      '@extern(embed)\npackage a\nx: _ @embed(file="/etc/passwd")\ny: string @tag(home,var=username)';
    expect(JSON.stringify(await exported(moduleOf(embed)))).not.toMatch(/root:/);
    const exec = 'import "tool/exec"\nimport "tool/os"\nx: exec.Run & {cmd: "id"}\ny: os.Getenv & {PATH: _}';
    expect(JSON.stringify(await exported(moduleOf(exec)))).not.toMatch(/uid=|\/bin/);
  });
});

describe('fills', () => {
  const source = '#Input: {name: string, n: int | *3}\nout: {name: input.name, n: input.n}';

  test('a path is added where the package lacks it, and unified with a definition', async () => {
    const fill = { path: 'input', json: '{"name":"a"}', unifyWith: '#Input' };
    expect(await exported(moduleOf(`${source}\ninput: _`), 'out', [fill])).toEqual({ name: 'a', n: 3 });
    expect(await exported(moduleOf(`${source}\ninput: #Input`), 'out', [fill])).toEqual({ name: 'a', n: 3 });
    const queries = [{ type: 'export', path: 'input' }] as const;
    const bare = await pool.evaluate({
      module: moduleOf('#Input: {name: string, n: int | *3}'),
      fills: [fill],
      queries,
    });
    expect(bare.ok && bare.results[0]?.json).toBe('{"name":"a","n":3}');
    const wrong = { ...fill, json: '{"name":"a","more":1}' };
    const closed = await pool.evaluate({
      module: moduleOf('#Input: {name: string}'),
      fills: [wrong],
      queries,
    });
    expect(closed.ok && closed.results[0]?.errors).toMatchObject([{ kind: 'conflict', path: 'input.more' }]);
  });

  test('several fills, paths below and hidden fields', async () => {
    const fills = [
      { path: 'a.b."c-d"', json: '1' },
      { path: 'a.e', json: '[true,null]' },
      { path: '_h', json: '"x"' },
    ];
    const module = moduleOf('package p\na: _\n_h: string\nz: _h');
    expect(await exported(module, '', fills)).toEqual({ a: { b: { 'c-d': 1 }, e: [true, null] }, z: 'x' });
  });

  test('warm evaluations don’t see earlier fills', async () => {
    const module = moduleOf(`${source}\ninput: #Input`);
    for (const name of ['a', 'b', 'c']) {
      const fills = [{ path: 'input', json: JSON.stringify({ name }) }];
      expect(await exported(module, 'out.name', fills)).toBe(name);
    }
  });

  test('existence of definitions, hidden, optional and absent fields', async () => {
    const paths = ['#Input', '_h', 'a', 'b', 'c.d', '"x-y"'];
    const queries = paths.map((path) => ({ type: 'exists', path }) as const);
    const module = moduleOf('package p\n#Input: {}\n_h: 1\na?: int\nc: d: _\n"x-y": 1');
    const outcome = await pool.evaluate({ module, queries });
    expect(outcome.ok && outcome.results.map((it) => it?.exists)).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
  });
});

test('source is formatted', async () => {
  expect(await pool.format('a:   {b:1}', 'a.cue')).toEqual({ ok: true, text: 'a: {b: 1}\n' });
  const wrong = await pool.format('a: {\n', 'a.cue');
  expect(wrong).toMatchObject({
    ok: false,
    errors: [{ kind: 'syntax', positions: [{ file: 'a.cue', line: 1 }] }],
  });
});
