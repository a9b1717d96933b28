// Modules that read live values, through the real evaluator.
import type { CuePool } from 'cuelang-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isResolvedNode } from '../api/index.ts';
import { stringifyJson } from '../json/index.ts';
import {
  type EmbeddedLibrary,
  loadEmbeddedLibrary,
  moduleTree,
  type ResolvedModule,
} from '../source/index.ts';
import {
  createEvaluatorPool,
  type ExportTable,
  type ObservedValues,
  PENDING_NODES_ID,
  type RenderContext,
  type Rendered,
  Renderer,
  type RenderFailed,
  type RenderResult,
} from './index.ts';

const signal = new AbortController().signal;
const context: RenderContext = {
  name: 'web',
  namespace: 'shop',
  labels: {},
  annotations: {},
  cluster: { version: 'v1.36.3', apiVersions: ['v1'] },
};

let pool: CuePool;
let library: EmbeddedLibrary;

beforeAll(async () => {
  library = await loadEmbeddedLibrary(new URL('../../cue', import.meta.url).pathname);
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
});
afterAll(() => pool.close());

interface Extra {
  readonly observed?: ObservedValues;
  readonly expressions?: ExportTable;
  readonly input?: { readonly [name: string]: string };
}

function render(text: string, { input = {}, ...live }: Extra = {}): Promise<RenderResult> {
  const tree = moduleTree([['module.cue', text]]);
  const module: ResolvedModule = { tree, digest: tree.digest, packagePath: '.' };
  const limits = { maxInputBytes: 2 ** 20, maxRenderedBytes: 2 ** 20, deadlineMs: 60_000 };
  const renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library, limits });
  return renderer.render({ module, input, context, ...live }, signal);
}

async function rendered(text: string, extra: Extra = {}): Promise<Rendered> {
  const result = await render(text, extra);
  if (result.ok) return result;
  throw result.error;
}

async function refused(text: string, extra: Extra = {}): Promise<RenderFailed> {
  const result = await render(text, extra);
  if (!result.ok) return result;
  throw new Error(`expected a failure, got ${stringifyJson(result.nodes)}`);
}

/** Of each node what it waits for or its data, and what it depends on. */
function outline({ nodes }: Rendered): Record<string, unknown> {
  return Object.fromEntries(
    nodes.map((node) => [
      node.id,
      {
        ...(isResolvedNode(node) ? { data: node.object['data'] } : { waitsFor: node.waitsFor }),
        ...(node.dependsOn === undefined ? {} : { dependsOn: node.dependsOn }),
      },
    ]),
  );
}

/** A ConfigMap node of this name. */
const cm = (name: string, data: string, others: string = ''): string =>
  `{object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "${name}", data: ${data}}, ${others}}`;
const DB = `db: ${cm('db', '{}', 'exports: {host: "object.data.host", users: "object.data.users", ready: "true"}')}`;

describe('a node that reads what another answers', () => {
  const module = `graph: nodes: {
	app: ${cm('app', '{url: "http://\\(observed.db.host):80"}')}
	${DB}
}`;

  it('waits while there is no answer, and depends on the other', async () => {
    const result = await rendered(module);
    expect(outline(result)).toEqual({
      app: { waitsFor: ['observed.db.host'], dependsOn: ['db'] },
      db: { data: {} },
    });
    expect(result.reads).toEqual(['observed.db.host']);
  });

  it('is complete with the answer, and still depends on it', async () => {
    expect(outline(await rendered(module, { observed: { db: { host: 'h' } } }))).toEqual({
      app: { data: { url: 'http://h:80' }, dependsOn: ['db'] },
      db: { data: {} },
    });
  });

  it('does not take an answer to another question', async () => {
    const observed = { db: { host: 'h' } };
    const now = { db: { host: 'object.data.host' } };
    const before = { db: { host: 'object.data.name' } };
    expect(outline(await rendered(module, { observed, expressions: now }))['app']).toHaveProperty('data');
    expect(outline(await rendered(module, { observed, expressions: before }))['app']).toHaveProperty(
      'waitsFor',
    );
  });

  it('keeps what is known of it: declared dependencies first, policy, exports', async () => {
    const { nodes } = await rendered(`graph: nodes: {
	${DB}
	zoo: ${cm('zoo', '{}')}
	app: ${cm(
    'app',
    '{h: observed.db.host}',
    'dependsOn: ["zoo"], deletionPolicy: "Orphan", exports: port: "object.data.port"',
  )}
}`);
    expect(nodes[2]).toEqual({
      id: 'app',
      waitsFor: ['observed.db.host'],
      dependsOn: ['zoo', 'db'],
      deletionPolicy: 'Orphan',
      exports: { port: 'object.data.port' },
    });
  });
});

describe('which values a node reads', () => {
  it.each<[string, string, string[]]>([
    [
      'through let and hidden fields',
      'let l = observed.db\n_h: l.host\ngraph: nodes: app: #A & {_x: _h}\n#A: {_x: _, object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: h: _x}}',
      ['observed.db.host'],
    ],
    [
      'in calls',
      'graph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: h: json.Marshal({a: observed.db.host})}',
      ['observed.db.host'],
    ],
    [
      'in guards',
      'graph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", if observed.db.ready {data: x: "1"}}',
      ['observed.db.ready'],
    ],
    [
      'in labels',
      'graph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: "\\(observed.db.host)": "1"}',
      ['observed.db.host'],
    ],
    [
      'in loops over items',
      'graph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: {for u in observed.db.users {"\\(u)": "1"}}}',
      ['observed.db.users'],
    ],
    [
      'beside optional input',
      'graph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", if input.x != _|_ {data: x: input.x}, if observed.db.ready {data: y: "1"}}',
      ['observed.db.ready'],
    ],
    [
      'declared with a type',
      'observed: db: host: string\ngraph: nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: h: observed.db.host}',
      ['observed.db.host'],
    ],
    [
      'under the schema of the package',
      'graph: pequod.#Graph & {nodes: app: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "app", data: h: observed.db.host}}',
      ['observed.db.host'],
    ],
  ])('%s', async (_name, text, waitsFor) => {
    const imports =
      'package x\nimport (\n\t"encoding/json"\n\tpequod "pequod.io/graph@v0"\n)\n_used: json.Valid("1")\n_graph: pequod.#Graph\n';
    const result = await rendered(`${imports}${text}\ngraph: nodes: ${DB}`);
    expect(outline(result)['app']).toEqual({ waitsFor, dependsOn: ['db'] });
  });

  it('an optional one is a dependency, and the node complete without it', async () => {
    const module = `graph: nodes: {
	app: ${cm('app', '{a: "1", if observed.db.host != _|_ {h: observed.db.host}}')}
	${DB}
}`;
    expect(outline(await rendered(module))['app']).toEqual({ data: { a: '1' }, dependsOn: ['db'] });
    expect(outline(await rendered(module, { observed: { db: { host: 'h' } } }))['app']).toEqual({
      data: { a: '1', h: 'h' },
      dependsOn: ['db'],
    });
  });

  it('a computed key is found out, not guessed', async () => {
    const module = `graph: nodes: {for n in ["1", "2"] {
	"db-\\(n)": ${cm('db-\\(n)', '{}', 'exports: host: "object.data.host"')}
	"use-\\(n)": ${cm('use-\\(n)', '{h: observed["db-\\(n)"].host}')}
}}`;
    const waiting = { waitsFor: ['observed."db-1".host'], dependsOn: ['db-1'] };
    expect(outline(await rendered(module))['use-1']).toEqual(waiting);
    const one = outline(await rendered(module, { observed: { 'db-1': { host: 'h' } } }));
    expect(one['use-1']).toEqual({ data: { h: 'h' }, dependsOn: ['db-1'] });
    expect(one['use-2']).toEqual({ waitsFor: ['observed."db-2".host'], dependsOn: ['db-2'] });
  });
});

describe('nodes that come of observed items', () => {
  const module = `graph: nodes: {
	${DB}
	for u in observed.db.users {"user-\\(u)": ${cm('user-\\(u)', '{name: u}')}}
	app: ${cm('app', '{h: observed.db.host}')}
}`;

  it('are not known before, and a node in their place keeps the graph from removing anything', async () => {
    expect(outline(await rendered(module))).toEqual({
      db: { data: {} },
      app: { waitsFor: ['observed.db.host'], dependsOn: ['db'] },
      [PENDING_NODES_ID]: { waitsFor: ['observed.db.users'], dependsOn: ['db'] },
    });
  });

  it('depend on where the items are from', async () => {
    expect(outline(await rendered(module, { observed: { db: { users: ['a'], host: 'h' } } }))).toEqual({
      db: { data: {} },
      'user-a': { data: { name: 'a' }, dependsOn: ['db'] },
      app: { data: { h: 'h' }, dependsOn: ['db'] },
    });
  });

  it.each([
    [
      'around the graph',
      `graph: nodes: ${DB}\nif observed.db.ready {graph: nodes: late: ${cm('late', '{}')}}`,
    ],
    ['in the graph', `graph: {nodes: ${DB}\nif observed.db.ready {nodes: late: ${cm('late', '{}')}}}`],
    ['that may stay out', `graph: nodes: {${DB}, if observed.db.ready != _|_ {late: ${cm('late', '{}')}}}`],
  ])('%s', async (name, text) => {
    const before = outline(await rendered(text));
    expect(PENDING_NODES_ID in before).toBe(name !== 'that may stay out');
    expect(outline(await rendered(text, { observed: { db: { ready: true } } }))).toEqual({
      db: { data: {} },
      late: { data: {}, dependsOn: ['db'] },
    });
  });

  it.each([
    ['of unknown items', {}],
    ['of known ones', { observed: { db: { users: ['a'] } } }],
  ])('may not be in a list: %s', async (_name, extra) => {
    const text = `graph: nodes: [{id: "db", object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "db"}, exports: users: "object.data"}, for u in observed.db.users {id: u, object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: u}}]`;
    const { violations, error } = await refused(text, extra);
    expect(error.code).toBe('RENDER_OBSERVED');
    expect(violations[0]).toMatchObject({
      path: 'graph.nodes',
      message: expect.stringContaining('as a struct'),
    });
  });

  it('a list without comprehensions may read live values', async () => {
    const text = `graph: nodes: [{id: "db", object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "db"}, exports: host: "object.data"}, {id: "app", object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: observed.db.host}}]`;
    expect(outline(await rendered(text))['app']).toEqual({
      waitsFor: ['observed.db.host'],
      dependsOn: ['db'],
    });
  });
});

describe('what is wrong', () => {
  it.each<[string, string, string]>([
    ['a node that there is not', '{h: observed.bd.host}', 'there is no node bd; nodes with exports: app, db'],
    [
      'an export that there is not',
      '{h: observed.db.hots}',
      'does not export hots; its exports: host, ready, users',
    ],
    ['its own exports', '{h: observed.app.host}', 'reads its own exports'],
    ['its own exports, if there are any', '{if observed.app.host != _|_ {h: "x"}}', 'reads its own exports'],
  ])('reads %s', async (_name, data, message) => {
    const { violations, error } = await refused(`graph: nodes: {
	app: ${cm('app', data, 'exports: host: "object.data.h"')}
	${DB}
}`);
    expect(error.code).toBe('RENDER_OBSERVED');
    expect(violations).toHaveLength(1);
    expect(violations[0]?.path).toMatch(/^graph\.nodes\.app/);
    expect(violations[0]?.message).toContain(message);
    expect(violations[0]?.position).toMatch(/^module\.cue:2:\d\d+$/);
  });

  it('a conflict, and what is open for another reason, are errors beside what waits', async () => {
    const text = `graph: nodes: {
	${DB}
	app: ${cm('app', '{h: observed.db.host, port: string, x: input.opt}')}
}`;
    const open = await refused(text);
    expect(open.error.code).toBe('RENDER_INCOMPLETE');
    expect(open.violations.map(({ path }) => path)).toEqual([
      'graph.nodes.app.object.data.port',
      'graph.nodes.app.object.data.x',
    ]);
    const wrong = await refused(
      `graph: nodes: {${DB}, app: ${cm('app', '{h: observed.db.host, p: 1 & 2}')}}`,
    );
    expect(wrong.error.code).toBe('RENDER_CONFLICT');
  });

  it('a value that is not of the type that the module says', async () => {
    const text = `observed: db: host: int\ngraph: nodes: {${DB}, app: ${cm('app', '{h: "\\(observed.db.host)"}')}}`;
    expect((await refused(text, { observed: { db: { host: 'h' } } })).error.code).toBe('RENDER_CONFLICT');
  });

  it('a read that is switched off with its node is only noted', async () => {
    const text = `#Input: {db?: bool}
graph: nodes: {
	if input.db != _|_ {${DB}}
	app: ${cm('app', '{if input.db != _|_ {h: observed.db.host}}')}
}`;
    const result = await rendered(text);
    expect(outline(result)).toEqual({ app: { data: {} } });
    expect(result.violations).toEqual([
      expect.objectContaining({ severity: 'Info', message: expect.stringContaining('there is no node db') }),
    ]);
  });

  it('exports of a Secret, and names that no one could read', async () => {
    const secret = `graph: nodes: s: {object: {apiVersion: "v1", kind: "Secret", metadata: name: "s"}, exports: p: "object.data.p"}`;
    expect((await refused(secret)).violations[0]?.message).toContain('a Secret exports nothing');
    const name = `graph: nodes: s: ${cm('s', '{}', 'exports: "a-b": "object.data.p"')}`;
    expect((await refused(name)).violations[0]?.message).toContain('"a-b" is no name for an export');
  });

  it('expressions that can give nothing, with their place in the node', async () => {
    const { violations } = await refused(`graph: nodes: {
	a: ${cm('a', '{}', 'exports: x: "object.data.("')}
	b: ${cm('b', '{}', 'readyWhen: [{type: "CEL", expression: "1 + 1", failedWhen: "size(object) == true"}]')}
}`);
    expect(violations.map(({ path, severity }) => [path, severity])).toEqual([
      ['graph.nodes.a.exports.x', 'Error'],
      ['graph.nodes.b.readyWhen[0].expression', 'Error'],
      ['graph.nodes.b.readyWhen[0].failedWhen', 'Error'],
    ]);
    const waiting = `graph: nodes: {${DB}, a: ${cm('a', '{h: observed.db.host}', 'exports: x: "object.data.("')}}`;
    expect((await refused(waiting)).violations[0]?.path).toBe('graph.nodes.a.exports.x');
  });

  it('the id that stands for nodes not known yet', async () => {
    const text = `_x: observed\ngraph: nodes: "${PENDING_NODES_ID}": ${cm('a', '{}')}`;
    expect((await refused(text)).violations[0]?.message).toContain('choose another id');
  });
});

it('rules and metadata of a module are judged when their values are there', async () => {
  const text = `graph: {
	nodes: ${DB}
	metadata: {name: "x", version: observed.db.host}
	violations: [if observed.db.users < 3 {path: "", message: "too few", severity: "Error"}]
}`;
  expect(await rendered(text)).toMatchObject({ metadata: {}, violations: [] });
  expect((await refused(text, { observed: { db: { users: 1, host: 'h' } } })).error.code).toBe(
    'RENDER_REFUSED',
  );
});
