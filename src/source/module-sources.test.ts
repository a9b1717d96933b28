import { describe, expect, it } from 'vitest';
import type { CueRef, KubeObject } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import type { JsonObject } from '../json/index.ts';
import {
  clusterlessContext,
  embeddedLibrary,
  ModuleSources,
  type ModuleSourcesOptions,
  type SourceContext,
} from './index.ts';

const signal = new AbortController().signal;

const library = embeddedLibrary([
  ['cue.mod/module.cue', 'module: "pequod.io@v0"'],
  ['graph/graph.cue', 'package graph'],
  ['policy/policy.cue', 'package policy'],
  ['platform/web/schema.cue', 'package web'],
  ['platform/db/schema.cue', 'package db'],
  ['platform/db/parts/parts.cue', 'package parts'],
]);

function sourcesWith(options: Partial<ModuleSourcesOptions> = {}): ModuleSources {
  return new ModuleSources({ library, ...options });
}

/** A namespace `shop` with one ConfigMap `modules`, which a test can replace; counts the reads. */
class Namespace implements SourceContext {
  readonly namespace = 'shop';
  readonly configMaps = this;
  readonly secrets = clusterlessContext('shop').secrets;
  readonly maxAgeMs = 0;
  reads = 0;
  configMap: KubeObject | undefined;

  constructor(data: JsonObject, others: JsonObject = {}, resourceVersion: string = '7') {
    this.configMap = this.named(data, others, resourceVersion);
  }

  named(data: JsonObject, others: JsonObject = {}, resourceVersion: string = '7'): KubeObject {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'modules', namespace: 'shop', uid: 'u1', resourceVersion },
      data,
      ...others,
    };
  }

  async readConfigMap(namespace: string, name: string): Promise<KubeObject | undefined> {
    this.reads += 1;
    return namespace === 'shop' && name === 'modules' ? this.configMap : undefined;
  }
}

const fromConfigMap: CueRef = { type: 'configmap', ref: 'modules' };

async function failure(
  ref: CueRef,
  context: SourceContext,
  sources: ModuleSources = sourcesWith(),
): Promise<SourceError> {
  const error: unknown = await sources.load(ref, context, signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SourceError) return error;
  throw new Error(`expected a SourceError, got ${String(error)}`);
}

describe('inline modules', () => {
  it('are one file whose name shows in positions', async () => {
    const module = await sourcesWith().load({ type: 'inline', ref: 'a: 1\n' }, new Namespace({}), signal);
    expect([...module.tree.files]).toEqual([['inline.cue', 'a: 1\n']]);
    expect(module.packagePath).toBe('.');
    expect(module.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('have a digest that follows the text', async () => {
    const resolve = (ref: string) =>
      sourcesWith().resolve({ type: 'inline', ref }, new Namespace({}), signal);
    expect(await resolve('a: 1')).toEqual(await resolve('a: 1'));
    expect(await resolve('a: 1')).not.toEqual(await resolve('a: 2'));
  });

  it('are refused over the limit', async () => {
    const sources = sourcesWith({ limits: { maxBytes: 10, maxFiles: 1 } });
    const error = await failure({ type: 'inline', ref: 'a: "0123456789"' }, new Namespace({}), sources);
    expect(error).toMatchObject({ code: 'SOURCE_TOO_LARGE', retry: { afterMs: 300_000 } });
  });
});

describe('ConfigMap modules', () => {
  it('take every .cue key as a file and leave the others alone', async () => {
    const namespace = new Namespace({ 'a.cue': 'package x', 'b.cue': 'package x\nb: 1', 'README.md': '# x' });
    const module = await sourcesWith().load(fromConfigMap, namespace, signal);
    expect([...module.tree.files.keys()].sort()).toEqual(['a.cue', 'b.cue']);
    expect(module.revision).toBe('u1/7');
  });

  it('change their digest with the content, not with the ConfigMap', async () => {
    const namespace = new Namespace({ 'a.cue': 'package x', 'b.cue': 'b: 1' });
    const sources = sourcesWith();
    const first = await sources.resolve(fromConfigMap, namespace, signal);
    namespace.configMap = namespace.named({ 'b.cue': 'b: 1', 'a.cue': 'package x', notes: 'new' }, {}, '8');
    const relabelled = await sources.resolve(fromConfigMap, namespace, signal);
    expect(relabelled).toEqual({ digest: first.digest, revision: 'u1/8' });
    namespace.configMap = namespace.named({ 'a.cue': 'package x', 'b.cue': 'b: 2' }, {}, '9');
    expect((await sources.resolve(fromConfigMap, namespace, signal)).digest).not.toBe(first.digest);
  });

  it('are read once for a resolve and the fetch after it', async () => {
    const namespace = new Namespace({ 'a.cue': 'package x' });
    await sourcesWith().load(fromConfigMap, namespace, signal);
    expect(namespace.reads).toBe(1);
  });

  it('are read again where the content was not kept, and refused if it changed meanwhile', async () => {
    const namespace = new Namespace({ 'a.cue': 'package x' });
    const resolution = await sourcesWith().resolve(fromConfigMap, namespace, signal);
    const module = await sourcesWith().fetch(fromConfigMap, resolution, namespace, signal);
    expect(module.digest).toBe(resolution.digest);
    namespace.configMap = namespace.named({ 'a.cue': 'package y' });
    await expect(sourcesWith().fetch(fromConfigMap, resolution, namespace, signal)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      retry: 'backoff',
    });
  });

  it('say what is wrong with the ConfigMap', async () => {
    const missing = new Namespace({});
    missing.configMap = undefined;
    expect(await failure(fromConfigMap, missing)).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'there is no ConfigMap shop/modules',
    });
    expect((await failure(fromConfigMap, new Namespace({ 'mod.txt': 'x' }))).message).toContain(
      'it has mod.txt',
    );
    expect((await failure(fromConfigMap, new Namespace({}))).message).toContain('it has no data');
    const binary = new Namespace({ 'a.cue': 'a: 1' }, { binaryData: { 'b.cue': '/w==' } });
    expect((await failure(fromConfigMap, binary)).message).toContain('b.cue');
  });

  it('are never looked for outside the namespace', async () => {
    for (const ref of ['other/modules', '../modules', '', 'Modules']) {
      const namespace = new Namespace({ 'a.cue': 'a: 1' });
      expect(await failure({ type: 'configmap', ref }, namespace)).toMatchObject({
        code: 'SOURCE_INVALID',
        retry: 'never',
      });
      expect(namespace.reads).toBe(0);
    }
  });

  it('hand on what the reader throws', async () => {
    const denied = new Error('configmaps "modules" is forbidden');
    const readConfigMap = (): Promise<undefined> => Promise.reject(denied);
    const context = clusterlessContext('shop', { configMaps: { readConfigMap } });
    await expect(sourcesWith().resolve(fromConfigMap, context, signal)).rejects.toBe(denied);
  });
});

describe('embedded modules', () => {
  const load = (ref: string, path?: string) =>
    sourcesWith().load(
      { type: 'embedded', ref, ...(path === undefined ? {} : { path }) },
      new Namespace({}),
      signal,
    );

  it('hold one platform type and what all share', async () => {
    const module = await load('web');
    expect(module.packagePath).toBe('platform/web');
    expect([...module.tree.files.keys()].sort()).toEqual([
      'cue.mod/module.cue',
      'graph/graph.cue',
      'platform/web/schema.cue',
    ]);
  });

  it('list what there is where the name is unknown', async () => {
    expect(await failure({ type: 'embedded', ref: 'queue' }, new Namespace({}))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      retry: 'never',
      message: 'there is no embedded platform type "queue": there are db, web',
    });
  });

  it('can be entered further by path', async () => {
    expect((await load('db', './parts/')).packagePath).toBe('platform/db/parts');
  });
});

describe('the path of a package', () => {
  const inline = (path: string) => failure({ type: 'inline', ref: 'a: 1', path }, new Namespace({}));

  it.each(['/etc', '..', '../x', 'a/../../b', 'a\\b', '/', 'a//b', './../x'])('refuses %s', async (path) => {
    expect(await inline(path)).toMatchObject({ code: 'SOURCE_INVALID', retry: 'never' });
  });

  it('must hold CUE files', async () => {
    expect(await inline('sub')).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'the module has no package in folder sub: it has .',
    });
  });

  it.each(['.', './', ''])('may be the root: %j', async (path) => {
    const module = await sourcesWith().load({ type: 'inline', ref: 'a: 1', path }, new Namespace({}), signal);
    expect(module.packagePath).toBe('.');
  });
});
