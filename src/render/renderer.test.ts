// Modules as people write them, through the real evaluator.
import type { CuePool } from 'cuelang-wasm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JsonObject, parseJson, stringifyJson } from '../json/index.ts';
import {
  type EmbeddedLibrary,
  loadEmbeddedLibrary,
  moduleTree,
  type ResolvedModule,
} from '../source/index.ts';
import {
  createEvaluatorPool,
  DEFAULT_RENDER_LIMITS,
  type RenderContext,
  type Rendered,
  Renderer,
  type RenderFailed,
  type RenderLimits,
  renderKey,
} from './index.ts';

const signal = new AbortController().signal;

const context: RenderContext = {
  name: 'web',
  namespace: 'shop',
  labels: { team: 'a', 'example.com/tier': 'gold' },
  annotations: {},
  cluster: { version: 'v1.36.3', apiVersions: ['apps/v1', 'v1'] },
};

let pool: CuePool;
let library: EmbeddedLibrary;

beforeAll(async () => {
  library = await loadEmbeddedLibrary(new URL('../../cue', import.meta.url).pathname);
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
});
afterAll(() => pool.close());

function moduleOf(files: Record<string, string>, packagePath: string = '.'): ResolvedModule {
  const tree = moduleTree(Object.entries(files));
  return { tree, digest: tree.digest, packagePath };
}

const inline = (text: string): ResolvedModule => moduleOf({ 'inline.cue': text });

function render(
  module: ResolvedModule,
  input: JsonObject = {},
  limits: Partial<RenderLimits> = {},
): ReturnType<Renderer['render']> {
  const renderer = new Renderer({
    evaluator: pool,
    evaluatorVersion: pool.version.sha256,
    library,
    limits: { ...DEFAULT_RENDER_LIMITS, deadlineMs: 60_000, ...limits },
  });
  return renderer.render({ module, input, context }, signal);
}

async function rendered(module: ResolvedModule, input: JsonObject = {}): Promise<Rendered> {
  const result = await render(module, input);
  if (result.ok) return result;
  throw result.error;
}

async function refused(...request: Parameters<typeof render>): Promise<RenderFailed> {
  const result = await render(...request);
  if (!result.ok) return result;
  throw new Error(`expected a failure, got ${stringifyJson(result.nodes)}`);
}

/** A module whose only node is a ConfigMap with these data. */
const configMap = (data: string, others: string = ''): string => `package x
${others}
graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: ${data}}
`;

describe('the nodes of a module', () => {
  it('come with id, in the order of the struct', async () => {
    const { nodes, metadata } = await rendered(
      inline(`package x
import pequod "pequod.io/graph@v0"

graph: pequod.#Graph & {
	metadata: {name: "x", version: "1.2.3"}
	nodes: {
		zebra: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "z"}
		apple: {
			object: {apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: name: "a"}
			dependsOn: ["zebra"]
			deletionPolicy: "Delete"
			ignoreFields: ["/spec/replicas"]
			readyWhen: [{type: "Exists", timeout: "1m30s"}, {type: "ConditionMatch", conditionType: "Bound"}]
		}
	}
}
`),
    );
    expect(nodes.map(({ id }) => id)).toEqual(['zebra', 'apple']);
    expect(nodes[1]).toEqual({
      id: 'apple',
      object: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'a' } },
      dependsOn: ['zebra'],
      deletionPolicy: 'Delete',
      ignoreFields: ['/spec/replicas'],
      readyWhen: [
        { type: 'Exists', timeout: '1m30s' },
        { type: 'ConditionMatch', conditionType: 'Bound' },
      ],
    });
    expect(metadata).toEqual({ name: 'x', version: '1.2.3' });
  });

  it('may be a list', async () => {
    const { nodes } = await rendered(
      inline(`graph: nodes: [for n in ["b", "a"] {
	id: n
	object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: n}
}]`),
    );
    expect(nodes.map(({ id, object }) => [id, object?.metadata.name])).toEqual([
      ['b', 'b'],
      ['a', 'a'],
    ]);
  });

  it('keep every digit of their numbers', async () => {
    const { nodes } = await rendered(
      inline(configMap('{max: 9223372036854775807, ratio: 1.50, in: input.n}')),
      {
        n: parseJson('9007199254740993'),
      },
    );
    expect(stringifyJson(nodes)).toContain('{"max":9223372036854775807,"ratio":1.50,"in":9007199254740993}');
  });

  it('are the same however the keys of the input are ordered', async () => {
    const module = inline(configMap('{for k, v in input.env {(k): v}}'));
    const one = await rendered(module, { env: { a: '1', b: '2' } });
    const other = await rendered(module, { env: { b: '2', a: '1' } });
    expect(stringifyJson(other.nodes)).toBe(stringifyJson(one.nodes));
    expect(other.renderHash).toBe(one.renderHash);
    expect((await rendered(module, { env: { a: '1' } })).renderHash).not.toBe(one.renderHash);
  });

  it('may be spread over files, packages and the common package', async () => {
    const { nodes } = await rendered(
      moduleOf(
        {
          'cue.mod/module.cue': 'module: "example.com/m@v0"\nlanguage: version: "v0.15.0"\n',
          'names/names.cue': 'package names\n\n#Name: "n-\\(#of)"\n#of: string\n',
          'app/schema.cue': 'package app\n\n#Input: {a: string}\ninput: #Input\n',
          'app/graph.cue': `package app
import (
	"example.com/m/names"
	pequod "pequod.io/graph@v0"
)
graph: pequod.#Graph & {nodes: app: object: {
	apiVersion: "v1", kind: "ConfigMap", metadata: name: (names & {#of: input.a}).#Name
}}
`,
        },
        'app',
      ),
      { a: 'x' },
    );
    expect(nodes[0]?.object?.metadata.name).toBe('n-x');
  });
});

describe('the input', () => {
  const schema = `package x
#Input: {
	name:     string
	replicas: int & >=0 & <10 | *1
	tags: [...string]
}
`;

  it('is checked first, and everything that is wrong is said at once', async () => {
    const module = inline(`${schema}input: #Input\ngraph: nodes: x: 1 & 2\n`);
    const { phase, error, violations } = await refused(module, { replicas: 99, tags: [1], bogus: true });
    expect(phase).toBe('Validated');
    expect(error).toMatchObject({ code: 'INPUT_INVALID', retry: 'never', reason: 'InputInvalid' });
    expect(violations.map(({ path, position, severity }) => [path, position, severity])).toEqual([
      ['input.name', 'inline.cue:3:12', 'Error'],
      ['input.replicas', 'inline.cue:4:24', 'Error'],
      ['input.tags[0]', 'inline.cue:5:12', 'Error'],
      ['input.bogus', 'inline.cue:2:1', 'Error'],
    ]);
    expect(violations[1]?.message).toBe('invalid value 99 (out of bound <10)');
    expect(error.message).toMatch(/^input\.name: .* \(inline\.cue:3:12\), and 3 more$/);
  });

  it('gets its defaults, in a module that leaves out the field input too', async () => {
    const { nodes } = await rendered(
      inline(`${schema}${configMap('{r: input.replicas}').replace('package x', '')}`),
      {
        name: 'n',
      },
    );
    expect(stringifyJson(nodes)).toContain('"data":{"r":1}');
    const anonymous = inline(
      '#Input: {n: *3 | int}\ngraph: nodes: [{id: "a", object: {apiVersion: "v1", kind: "X", metadata: name: "a-\\(input.n)"}}]',
    );
    expect((await rendered(anonymous)).nodes[0]?.object?.metadata.name).toBe('a-3');
    expect((await refused(anonymous, { n: 'x' })).violations[0]).toMatchObject({ path: 'input.n' });
  });

  it('is taken as it is without a schema', async () => {
    const { nodes } = await rendered(inline(configMap('{a: input.any.thing}')), {
      any: { thing: 'x' },
      more: 1,
    });
    expect(stringifyJson(nodes)).toContain('"data":{"a":"x"}');
  });

  it('is refused where the field input asks for more than the schema', async () => {
    const module = inline(
      `${schema}input: #Input & {replicas: >5}\n${configMap('{}').replace('package x', '')}`,
    );
    const { phase, violations } = await refused(module, { name: 'n', replicas: 2 });
    expect(phase).toBe('Validated');
    expect(violations[0]).toMatchObject({ path: 'input.replicas', message: expect.stringContaining('>5') });
  });

  it('may not be larger than the limit', async () => {
    const { error } = await refused(inline(configMap('{}')), { a: 'x'.repeat(300) }, { maxInputBytes: 256 });
    expect(error).toMatchObject({
      code: 'INPUT_INVALID',
      message: 'input: the input has 308 bytes, at most 256 are taken',
    });
  });
});

describe('a module that is wrong', () => {
  it('has a syntax error: where', async () => {
    const { phase, error, violations } = await refused(inline('package x\n\ngraph: nodes: {\n\ta: ]\n}\n'));
    expect(phase).toBe('Validated');
    expect(error.code).toBe('MODULE_INVALID');
    expect(violations[0]?.position).toMatch(/^inline\.cue:4:/);
  });

  it('ends too early: no place behind its end is named', async () => {
    const { violations } = await refused(inline('package x\ngraph: nodes: {\n'));
    expect(violations[0]?.position).toBe('inline.cue:2:16');
  });

  it('refers to nothing, or imports what there is not', async () => {
    expect((await refused(inline(configMap('{a: nowhere}')))).violations[0]).toMatchObject({
      message: expect.stringContaining('nowhere'),
      position: 'inline.cue:3:97',
    });
    const { error, violations } = await refused(
      inline('package x\nimport "example.com/lib"\ngraph: nodes: lib\n'),
    );
    expect(error.code).toBe('MODULE_INVALID');
    expect(violations[0]).toMatchObject({ position: 'inline.cue:2:8' });
  });

  it('contradicts itself: all conflicts, with path and place', async () => {
    const { phase, error, violations } = await refused(
      inline(`package x
_port: 80
_port: 81
graph: nodes: {
	a: object: {apiVersion: "v1", kind: "X", metadata: name: "a", spec: {r: 1, r: 2}}
	b: object: {apiVersion: "v1", kind: "X", metadata: name: "b", spec: port: _port}
}
`),
    );
    expect(phase).toBe('Rendered');
    expect(error).toMatchObject({ code: 'RENDER_CONFLICT', retry: 'never' });
    const paths = violations.map(({ path }) => path);
    expect(violations).toContainEqual({
      path: 'graph.nodes.a.object.spec.r',
      message: 'conflicting values 2 and 1 (also inline.cue:5:80)',
      severity: 'Error',
      position: 'inline.cue:5:74',
    });
    expect(paths.some((path) => path === '_port' || path === 'graph.nodes.b.object.spec.port')).toBe(true);
    expect(violations.every(({ position }) => position?.startsWith('inline.cue:'))).toBe(true);
  });

  it('leaves a value open: which node, and where', async () => {
    const { error, violations } = await refused(inline(configMap('{a: string, b: input.missing}')));
    expect(error.code).toBe('RENDER_INCOMPLETE');
    expect(violations).toEqual([
      expect.objectContaining({ path: 'graph.nodes.cm.object.data.a', position: 'inline.cue:3:97' }),
      expect.objectContaining({ path: 'graph.nodes.cm.object.data.b', position: 'inline.cue:3:114' }),
    ]);
  });

  it('makes its nodes depend on a value that is missing', async () => {
    const { error, violations } = await refused(
      inline('package x\ngraph: nodes: {\n\tif input.on {a: {}}\n}\n'),
    );
    expect(error.code).toBe('RENDER_INCOMPLETE');
    expect(violations[0]).toMatchObject({
      path: expect.stringContaining('graph.nodes'),
      position: 'inline.cue:3:11',
    });
  });

  it('goes in circles', async () => {
    const { error, violations } = await refused(inline(configMap('{a: _loop}', '_loop: {next: _loop}')));
    expect(error.code).toBe('RENDER_CONFLICT');
    expect(violations[0]?.message).toContain('structural cycle');
  });

  it('needs a newer CUE: both versions are named', async () => {
    const { error } = await refused(
      moduleOf({
        'cue.mod/module.cue': 'module: "example.com/m@v0"\nlanguage: version: "v0.99.0"\n',
        'm.cue': configMap('{}'),
      }),
    );
    expect(error.code).toBe('MODULE_INVALID');
    expect(error.message).toContain('v0.99.0');
    expect(error.message).toContain(pool.version.cue);
  });

  it('eats memory: it is stopped, and others go on', async () => {
    const greedy = configMap(
      '{n: len(strings.Join([for a in list.Range(0, 1e7, 1) {"\\(a)-\\(strings.Repeat("x", 1000))"}], ""))}',
      'import (\n\t"list"\n\t"strings"\n)',
    );
    const small = await createEvaluatorPool({
      maxWorkers: 1,
      deadlineMs: 60_000,
      maxMemoryBytes: 64 * 1024 * 1024,
    });
    try {
      const renderer = new Renderer({ evaluator: small, evaluatorVersion: '', library });
      const render = (text: string) => renderer.render({ module: inline(text), input: {}, context }, signal);
      expect(await render(greedy)).toMatchObject({ ok: false, error: { code: 'RENDER_LIMIT' } });
      expect(await render(configMap('{}'))).toMatchObject({ ok: true });
    } finally {
      await small.close();
    }
  });

  it('never ends: it is stopped, and others go on', async () => {
    const runaway = configMap(
      '{n: len([for a in list.Range(0, 1e6, 1) for b in list.Range(0, 1e6, 1) {a+b}])}',
      'import "list"',
    );
    const { error } = await refused(inline(runaway), {}, { deadlineMs: 500 });
    expect(error).toMatchObject({
      code: 'RENDER_LIMIT',
      reason: 'LimitExceeded',
      retry: { afterMs: 300_000 },
    });
    expect((await rendered(inline(configMap('{}')))).nodes).toHaveLength(1);
  });
});

describe('the contract', () => {
  const problems = async (text: string): Promise<readonly string[]> => {
    const { error, violations } = await refused(inline(`package x\n${text}`));
    expect(error.code).toBe('RENDER_CONTRACT');
    return violations.map(({ path, message }) => `${path}: ${message}`);
  };
  const object = 'object: {apiVersion: "v1", kind: "X", metadata: name: "a"}';

  it('asks for nodes', async () => {
    expect(await problems('a: 1')).toEqual(['graph.nodes: the module yields no graph.nodes']);
  });

  it('names everything in a node that is not as agreed', async () => {
    const text = `graph: nodes: {
	a: {${object}, retries: {}, dependsOn: ["B"], ignoreFields: ["spec"], deletionPolicy: "Keep"}
	b: {${object}, readyWhen: [{type: "Magic"}, {type: "Exists", timeout: "soon"}, {type: "ConditionMatch"}]}
	c: object: {kind: "X", metadata: name: "a"}
	"D": {${object}}
	e: {${object}, id: "f"}
}`;
    expect(await problems(text)).toEqual([
      'graph.nodes.a.retries: unknown field; there are id, object, waitsFor, applyPolicy, exports, dependsOn, deletionPolicy, ignoreFields, readyWhen',
      'graph.nodes.a.dependsOn[0]: must be the id of a node: at most 63 of a-z, 0-9 and inner "-"',
      'graph.nodes.a.deletionPolicy: must be one of Delete, Orphan',
      'graph.nodes.a.ignoreFields[0]: must be a JSON pointer, e.g. /spec/replicas',
      'graph.nodes.b.readyWhen[0].type: must be one of ConditionMatch, DeploymentAvailable, StatefulSetReady, JobComplete, Exists, CEL, External, Webhook',
      'graph.nodes.b.readyWhen[1].timeout: must be a duration such as 90s or 5m',
      'graph.nodes.b.readyWhen[2].conditionType: is required',
      'graph.nodes.c.object.apiVersion: is required',
      'graph.nodes.D.id: must be the id of a node: at most 63 of a-z, 0-9 and inner "-"',
      'graph.nodes.e.id: the node is called "f" here and "e" in nodes',
    ]);
  });

  it('asks listed nodes for their id', async () => {
    const [problem] = await problems(`graph: nodes: [{${object}}]`);
    expect(problem).toContain('graph.nodes[0].id');
    expect(problem).toContain('is required');
  });

  it('bounds what a module may yield', async () => {
    const module = inline(configMap(`{a: "${'x'.repeat(600)}"}`));
    const { error } = await refused(module, {}, { maxRenderedBytes: 512 });
    expect(error).toMatchObject({
      code: 'RENDER_CONTRACT',
      message: expect.stringContaining('at most 512 are taken'),
    });
  });

  it('takes no nodes for a mistake unless that is said to be meant', async () => {
    expect((await refused(inline('package x\ngraph: nodes: {}'))).error.code).toBe('RENDER_EMPTY');
    expect((await refused(inline('package x\ngraph: nodes: []'))).error.code).toBe('RENDER_EMPTY');
    const { nodes } = await rendered(inline('package x\ngraph: {nodes: {}, allowEmpty: true}'));
    expect(nodes).toEqual([]);
  });

  it('lets a module refuse, or only warn', async () => {
    const says = (violations: string): ResolvedModule =>
      inline(`${configMap('{}')}graph: violations: ${violations}\n`);
    const { error, violations } = await refused(
      says('[{path: "input.a", message: "too much"}, {path: "input.b", message: "hm", severity: "Info"}]'),
    );
    expect(error).toMatchObject({ code: 'RENDER_REFUSED', phase: 'Rendered', message: 'input.a: too much' });
    expect(violations).toHaveLength(2);
    const warned = await rendered(says('[{path: "input.a", message: "much", severity: "Warning"}]'));
    expect(warned.violations).toEqual([{ path: 'input.a', message: 'much', severity: 'Warning' }]);
    expect((await refused(says('[{path: "a"}]'))).error.code).toBe('RENDER_CONTRACT');
  });
});

describe('a render that is no longer wanted', () => {
  it('ends with the reason, whatever the module does', async () => {
    const controller = new AbortController();
    const renderer = new Renderer({ evaluator: pool, evaluatorVersion: '', library });
    const text = configMap(
      '{n: len([for a in list.Range(0, 1e6, 1) for b in list.Range(0, 1e6, 1) {a+b}])}',
      'import "list"',
    );
    const pending = renderer.render({ module: inline(text), input: {}, context }, controller.signal);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect((await rendered(inline(configMap('{}')))).nodes).toHaveLength(1);
  });
});

describe('what a module reads of its context', () => {
  const reads = async (text: string): Promise<readonly string[]> => (await rendered(inline(text))).reads;

  it('is nothing where it reads nothing', async () => {
    expect(await reads(configMap('{a: "1"}'))).toEqual([]);
    expect(await reads(configMap('{a: "1"}', 'context: {name: string, ...}'))).toEqual([]);
  });

  it('is the paths it refers to, directly or not', async () => {
    expect(await reads(configMap('{a: context.name, b: _team}', '_team: context.labels.team'))).toEqual([
      'context.labels.team',
      'context.name',
    ]);
    expect(await reads(configMap('{a: context.labels["example.com/tier"]}'))).toEqual([
      'context.labels."example.com/tier"',
    ]);
  });

  it('includes what the schema of the input takes from it', async () => {
    const schema = '#Input: {n: string | *context.name, m?: string}';
    const module = inline(configMap('{a: input.n}', schema));
    const { nodes, reads } = await rendered(module, { m: 'x' });
    expect(reads).toEqual(['context.name']);
    expect(stringifyJson(nodes)).toContain('"data":{"a":"web"}');
    expect(stringifyJson((await rendered(module, { n: 'own' })).nodes)).toContain('"data":{"a":"own"}');
    const unread = inline(
      configMap('{}', 'context: _\n#Input: {n: string}\ninput: #Input & {n: context.labels.team}'),
    );
    expect((await rendered(unread, { n: 'a' })).reads).toEqual(['context.labels.team']);
  });

  it('includes what is only asked for', async () => {
    expect(await reads(configMap('{if context.annotations.debug != _|_ {debug: "1"}}'))).toEqual([
      'context.annotations.debug',
    ]);
  });

  it('decides alone: contexts that agree in it give the same nodes', async () => {
    const module = inline(
      configMap(
        `{
	name: _name
	if context.labels.team == "a" {team: context.annotations.owner}
	for k, v in context.annotations if k =~ "^x" {"label-\\(k)": v}
}`,
        '_name: string | *context.name\ncontext: {name: string, labels: [string]: string, ...}',
      ),
    );
    const renderer = new Renderer({ evaluator: pool, evaluatorVersion: '', library });
    const map = (keys: readonly string[]) =>
      fc.dictionary(fc.constantFrom(...keys), fc.constantFrom('a', 'b'), {
        maxKeys: 2,
        noNullPrototype: true,
      });
    const contexts = fc.record({
      name: fc.constantFrom('n', 'm'),
      namespace: fc.constantFrom('s', 't'),
      labels: map(['team', 'tier']),
      annotations: map(['owner', 'x']),
      cluster: fc.constant(context.cluster),
    });
    const constants = {
      moduleDigest: module.digest,
      packagePath: '.',
      input: {},
      policiesDigest: '',
      evaluatorVersion: '',
    };
    const seen = new Map<string, string>();
    const answer = async (given: RenderContext): Promise<void> => {
      const result = await renderer.render({ module, input: {}, context: given }, signal);
      const key = renderKey({ ...constants, context: given, reads: result.reads });
      const outcome = result.ok ? result.renderHash : result.error.message;
      expect(seen.get(key) ?? outcome).toBe(outcome);
      seen.set(key, outcome);
    };
    await fc.assert(fc.asyncProperty(contexts, answer), { numRuns: 60 });
    expect(new Set(seen.values()).size).toBeGreaterThan(3);
  });

  it('is a whole branch where the key is computed or all keys are taken', async () => {
    expect(await reads(configMap('{for k, v in context.labels {(k): v}}'))).toEqual(['context.labels']);
    expect(await reads(configMap('{a: context.labels[_key]}', '_key: "te" + "am"'))).toEqual([
      'context.labels',
    ]);
  });
});
