import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CueFill, CuePool } from './index.ts';

let pool: CuePool;
let count = 0;

beforeAll(async () => {
  pool = await CuePool.create({ deadlineMs: 30_000 });
});
afterAll(() => pool.close());

const head = 'package a\ninput: {...}\ncontext: {...}\nobserved: {...}\n';
const fills: readonly CueFill[] = [
  { path: 'input', json: '{"name":"shop","dbs":[{"n":"1"},{"n":"2"}],"flag":true}' },
  { path: 'context', json: '{"namespace":"default"}' },
  { path: 'observed', json: '{}' },
];

async function referencesOf(source: string, path: string, roots = ['input', 'context', 'observed']) {
  const outcome = await pool.evaluate({
    module: { id: `m${count++}`, files: { 'a.cue': head + source } },
    fills,
    queries: [{ type: 'references', path, roots, children: true }],
  });
  if (!outcome.ok) throw new Error(outcome.errors[0]?.message);
  const [result] = outcome.results;
  const paths = (list: readonly { readonly path: string }[]) => list.map((it) => it.path);
  return {
    all: paths(result?.references ?? []),
    children: Object.fromEntries((result?.children ?? []).map((it) => [it.label, paths(it.references)])),
  };
}

test.each<[string, string, string[]]>([
  ['a plain reference', 'x: input.name', ['input.name']],
  ['a root passed on as a whole', 'x: {all: input}', ['input']],
  ['through fields, hidden fields and definitions', 'x: _y.b\n_y: #z\n#z: b: input.name', ['input.name']],
  ['a guard', 'x: {if observed.db.ready {a: 1}}', ['observed.db.ready']],
  ['a test for presence', 'x: {if observed.db.host != _|_ {a: 1}}', ['observed.db.host']],
  ['a loop', 'x: [for d in input.dbs {d.n}]', ['input.dbs']],
  ['a loop over a root', 'x: [for k, v in observed {v}]', ['observed']],
  ['let clauses', 'let l = context.namespace\nx: {let m = l, a: m}', ['context.namespace']],
  [
    'interpolations and computed labels',
    'x: "\\(context.namespace)-\\(input.name)": 1',
    ['context.namespace', 'input.name'],
  ],
  ['keys that aren’t known', 'x: observed[input.name].host', ['input.name', 'observed.*.host']],
  ['keys that need quotes', 'x: observed["db-1"].host', ['observed."db-1".host']],
  ['calls', 'import "strings"\nx: strings.ToUpper(input.name)', ['input.name']],
  [
    'what the root itself computes',
    'x: input.full\ninput: {first: string | *"a", full: "\\(first)-x"}',
    ['input.first', 'input.full'],
  ],
  ['nothing', 'x: 1', []],
])('%s', async (_name, source, expected) => {
  const [imports = '', rest = source] = source.startsWith('import') ? source.split(/\n(.*)/s) : [];
  const text = imports === '' ? source : rest;
  const outcome = await pool.evaluate({
    module: {
      id: `m${count++}`,
      files: { 'a.cue': `package a\n${imports}\n${head.replace('package a', '')}${text}` },
    },
    fills,
    queries: [{ type: 'references', path: 'x', roots: ['input', 'context', 'observed'] }],
  });
  expect(outcome.ok && outcome.results[0]?.references.map((it) => it.path)).toEqual(expected);
});

test('each child by itself, whether it is known or not', async () => {
  const source = `
graph: nodes: {
	db: object: {name: input.name}
	app: object: {env: observed.db.host, ns: context.namespace}
	if observed.db.ready {late: object: {}}
	if input.flag {early: object: observed.early}
	for d in input.dbs {"db-\\(d.n)": object: {size: d.n}, "use-\\(d.n)": object: observed["db-\\(d.n)"].host}
}`;
  expect(await referencesOf(source, 'graph.nodes', ['observed', 'context'])).toEqual({
    all: ['context.namespace', 'observed.*.host', 'observed.db.ready', 'observed.early'],
    children: {
      db: [],
      app: ['context.namespace', 'observed.db.host'],
      early: ['observed.early'],
      'db-1': [],
      'db-2': [],
      'use-1': ['observed.*.host'],
      'use-2': ['observed.*.host'],
    },
  });
});

test('a definition of another module that reads what is filled into it', async () => {
  const builtin = {
    'cue.mod/module.cue': 'module: "lib.example@v0"\nlanguage: version: "v0.15.0"\n',
    'app/app.cue': 'package app\n#App: {config: {...}, nodes: web: {image: config.image, port: config.port}}',
  };
  const source =
    'package a\nimport "lib.example/app"\ninput: {...}\ng: app.#App & {config: {image: input.image, port: 80}}';
  const outcome = await pool.evaluate({
    module: { id: 'lib', files: { 'a.cue': source }, builtins: [builtin] },
    fills: [{ path: 'input', json: '{"image":"x"}' }],
    queries: [{ type: 'references', path: 'g.nodes.web', roots: ['input'] }],
  });
  expect(outcome.ok && outcome.results[0]?.references).toEqual([
    { path: 'input.image', segments: ['input', 'image'] },
  ]);
});

test('the roots of a package that a fill adds are followed too', async () => {
  const outcome = await pool.evaluate({
    module: {
      id: 'joined',
      files: {
        'a.cue': 'package a\n#Input: {n: string, full: *"\\(n)-x" | string}\ninput: _\nx: input.full',
      },
    },
    fills: [{ path: 'input', json: '{"n":"a"}', unifyWith: '#Input' }],
    queries: [{ type: 'references', path: 'x', roots: ['input'] }],
  });
  expect(outcome.ok && outcome.results[0]?.references.map((it) => it.path)).toEqual([
    'input.full',
    'input.n',
  ]);
});
