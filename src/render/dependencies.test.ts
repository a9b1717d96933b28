// Modules that import other modules, with the real evaluator.
import type { CuePool } from 'cuelang-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SourceError } from '../errors.ts';
import {
  type DependencyLoader,
  loadEmbeddedLibrary,
  type ModuleTree,
  moduleTree,
  type ResolvedModule,
} from '../source/index.ts';
import { createEvaluatorPool, Renderer, type RenderResult } from './index.ts';

const signal = new AbortController().signal;
const context = {
  name: 'shop',
  namespace: 'team-a',
  labels: {},
  annotations: {},
  cluster: { version: 'v1.36.3', apiVersions: ['v1'] },
};

let pool: CuePool;
let renderer: Renderer;

beforeAll(async () => {
  const library = await loadEmbeddedLibrary(new URL('../../cue', import.meta.url).pathname);
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
  renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
});
afterAll(() => pool.close());

const moduleFile = (path: string, deps: Record<string, string> = {}): string =>
  [
    `module: "${path}"`,
    'language: version: "v0.9.0"',
    ...Object.entries(deps).map(([dependency, version]) => `deps: "${dependency}": v: "${version}"`),
  ].join('\n');

/** A module whose ConfigMap says what `greeting` of `example.com/lib` is. */
function greeter(deps: Record<string, string>, name: string = 'app'): ModuleTree {
  return moduleTree([
    ['cue.mod/module.cue', moduleFile(`example.com/${name}@v0`, deps)],
    [
      'graph.cue',
      `package app
import "example.com/lib"
graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: text: lib.greeting}
`,
    ],
  ]);
}

function lib(greeting: string): ModuleTree {
  return moduleTree([
    ['cue.mod/module.cue', moduleFile('example.com/lib@v0')],
    ['lib.cue', `package lib\ngreeting: "${greeting}"\n`],
  ]);
}

/** A loader over these modules, by `path version`. */
function loaderOf(modules: Record<string, ModuleTree>, scope: string = 'anybody'): DependencyLoader {
  return {
    scope,
    chosen: () => [],
    load: async (module, version) => {
      const found = modules[`${module} ${version}`];
      if (found === undefined) throw new SourceError('SOURCE_NOT_FOUND', `no ${module} ${version}`);
      return found;
    },
  };
}

function render(tree: ModuleTree, dependencies?: DependencyLoader): Promise<RenderResult> {
  const module: ResolvedModule = {
    tree,
    digest: tree.digest,
    packagePath: '.',
    ...(dependencies === undefined ? {} : { dependencies }),
  };
  return renderer.render({ module, input: {}, context }, signal);
}

async function greetingOf(tree: ModuleTree, dependencies: DependencyLoader): Promise<unknown> {
  const result = await render(tree, dependencies);
  if (!result.ok) throw result.error;
  return result.nodes[0]?.object?.['data'];
}

describe('a module that imports another', () => {
  it('sees the highest version that any module asks for', async () => {
    const tree = greeter({ 'example.com/lib@v0': 'v0.1.0', 'example.com/other@v0': 'v0.1.0' });
    const other = moduleTree([
      ['cue.mod/module.cue', moduleFile('example.com/other@v0', { 'example.com/lib@v0': 'v0.2.0' })],
    ]);
    const modules = {
      'example.com/lib@v0 v0.1.0': lib('old'),
      'example.com/lib@v0 v0.2.0': lib('new'),
      'example.com/other@v0 v0.1.0': other,
    };
    expect(await greetingOf(tree, loaderOf(modules))).toEqual({ text: 'new' });
  });

  it('gets what its own credentials lead to, not what another tenant got for the same module', async () => {
    const tree = greeter({ 'example.com/lib@v0': 'v0.3.0' });
    const module = 'example.com/lib@v0 v0.3.0';
    expect(await greetingOf(tree, loaderOf({ [module]: lib('private') }, 'tenant a'))).toEqual({
      text: 'private',
    });
    await expect(render(tree, loaderOf({}, 'tenant b'))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });

  it('fails with what the registry said where a dependency is not there', async () => {
    const missing = render(greeter({ 'example.com/lib@v0': 'v0.9.0' }), loaderOf({}));
    await expect(missing).rejects.toThrow('no example.com/lib@v0 v0.9.0');
  });

  it('says what to run where it does not list the module', async () => {
    const result = await render(greeter({}, 'unlisted'));
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'MODULE_INVALID' },
      violations: [{ position: 'graph.cue:2:8', message: expect.stringContaining('"cue mod tidy"') }],
    });
  });

  it('uses what is vendored without asking anybody', async () => {
    const vendored = moduleTree([
      ...greeter({}, 'vendored').files,
      ['cue.mod/pkg/example.com/lib/lib.cue', 'package lib\ngreeting: "vendored"\n'],
    ]);
    const result = await render(vendored);
    expect(result).toMatchObject({ ok: true, nodes: [{ object: { data: { text: 'vendored' } } }] });
  });
});

it('a text without a module file says that it can import nothing else', async () => {
  const inline = moduleTree([['inline.cue', 'package x\nimport "example.com/lib"\ngraph: nodes: lib\n']]);
  const result = await render(inline);
  expect(result.ok ? [] : result.violations).toMatchObject([
    { position: 'inline.cue:2:8', message: expect.stringContaining('without cue.mod/module.cue') },
  ]);
});
