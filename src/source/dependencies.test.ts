import { describe, expect, it } from 'vitest';
import { SourceError } from '../errors.ts';
import {
  CueRegistries,
  type DependencyAccess,
  type DependencyLoader,
  hasDependencies,
  ModuleDependencies,
  type ModuleTree,
  moduleTree,
} from './index.ts';

const signal = new AbortController().signal;
const tree = moduleTree([['cue.mod/module.cue', 'module: "example.com/app@v0"\ndeps: {}']]);
const registries = new CueRegistries('registry.example');

/** Serves the modules that it is given, by `repository:tag`. */
function accessTo(modules: Record<string, ModuleTree | SourceError>, scope: string = 'a'): DependencyAccess {
  return {
    scope,
    fetch: async ({ repository, tag }) => {
      const found = modules[`${repository}:${tag}`];
      if (found === undefined) throw new SourceError('SOURCE_NOT_FOUND', 'there is no such tag');
      if (found instanceof SourceError) throw found;
      return { digest: `sha256:of ${tag}`, tree: found };
    },
  };
}

function lib(name: string): ModuleTree {
  return moduleTree([['lib.cue', `package ${name}`]]);
}

async function failure(loader: DependencyLoader, module: string, version: string): Promise<unknown> {
  return await loader.load(module, version, signal).catch((error: unknown) => error);
}

describe('dependencies', () => {
  it('are found in the registry of their path, and the highest version of each is chosen', async () => {
    const dependencies = new ModuleDependencies(registries);
    const modules = {
      'example.com/lib:v0.1.0': lib('old'),
      'example.com/lib:v0.10.0': lib('new'),
      'example.com/lib:v1.0.0': lib('other'),
    };
    const loader = dependencies.loaderFor(tree, accessTo(modules));
    for (const version of ['v0.10.0', 'v0.1.0']) await loader.load('example.com/lib@v0', version, signal);
    const loaded = await loader.load('example.com/lib@v1', 'v1.0.0', signal);
    expect([...loaded.files]).toEqual([['lib.cue', 'package other']]);
    expect(loader.chosen()).toEqual([
      { module: 'example.com/lib@v0', version: 'v0.10.0', digest: 'sha256:of v0.10.0' },
      { module: 'example.com/lib@v1', version: 'v1.0.0', digest: 'sha256:of v1.0.0' },
    ]);
  });

  it('are remembered by tree and credentials: an evaluator asks once', async () => {
    const dependencies = new ModuleDependencies(registries);
    const modules = { 'example.com/lib:v0.1.0': lib('lib') };
    await dependencies.loaderFor(tree, accessTo(modules)).load('example.com/lib@v0', 'v0.1.0', signal);
    expect(dependencies.loaderFor(tree, accessTo({})).chosen()).toHaveLength(1);
    expect(dependencies.loaderFor(tree, accessTo({}, 'b')).chosen()).toEqual([]);
    expect(dependencies.loaderFor(lib('another'), accessTo({})).chosen()).toEqual([]);
  });

  it('that are missing are named, with what to run', async () => {
    const loader = new ModuleDependencies(registries).loaderFor(tree, accessTo({}));
    const error = await failure(loader, 'example.com/lib@v0', 'v0.1.0');
    expect(error).toMatchObject({ code: 'SOURCE_NOT_FOUND', retry: 'backoff' });
    expect(String(error)).toContain('example.com/lib@v0 v0.1.0 (oci://registry.example/example.com/lib)');
    expect(String(error)).toContain('cue mod get example.com/lib@<version>');
  });

  it('that want credentials say where those are named', async () => {
    const refusal = new SourceError('SOURCE_AUTH', 'registry.example wants credentials');
    const access = accessTo({ 'example.com/lib:v0.1.0': refusal });
    const loader = new ModuleDependencies(registries).loaderFor(tree, access);
    const error = await failure(loader, 'example.com/lib@v0', 'v0.1.0');
    expect(error).toMatchObject({ code: 'SOURCE_AUTH', cause: refusal });
    expect(String(error)).toContain('pullSecretRef');
  });

  it('have limits on bytes and versions', async () => {
    const modules = { 'example.com/lib:v0.1.0': lib('x'.repeat(100)), 'example.com/lib:v0.2.0': lib('y') };
    const small = new ModuleDependencies(registries, { maxBytes: 50, maxVersions: 10 });
    const large = await failure(small.loaderFor(tree, accessTo(modules)), 'example.com/lib@v0', 'v0.1.0');
    expect(large).toMatchObject({ code: 'SOURCE_TOO_LARGE' });
    const few = new ModuleDependencies(registries, { maxBytes: 1_000, maxVersions: 1 });
    const loader = few.loaderFor(tree, accessTo(modules));
    await loader.load('example.com/lib@v0', 'v0.1.0', signal);
    expect(await failure(loader, 'example.com/lib@v0', 'v0.2.0')).toMatchObject({ code: 'SOURCE_TOO_LARGE' });
  });

  it('are looked for only in modules that say that they have some', () => {
    expect(hasDependencies(tree)).toBe(true);
    expect(hasDependencies(moduleTree([['cue.mod/module.cue', 'module: "example.com/app@v0"']]))).toBe(false);
    expect(hasDependencies(moduleTree([['deps.cue', 'package deps']]))).toBe(false);
  });
});
