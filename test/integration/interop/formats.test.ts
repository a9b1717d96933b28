// What the tools of others publish is read here, and what is written here the tools of others read.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CuePool } from 'cuelang-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeZip } from '../../../src/archive/index.ts';
import { digestOf } from '../../../src/registry/index.ts';
import { createEvaluatorPool, Renderer } from '../../../src/render/index.ts';
import {
  CUE_MODULE_FILE_TYPE,
  CUE_MODULE_TYPE,
  CUE_ZIP_TYPE,
  CueRegistries,
  type FetchedModule,
  loadEmbeddedLibrary,
  ModuleDependencies,
  type ResolvedModule,
} from '../../../src/source/index.ts';
import { ensureCue, ensureOrasTool, ensureRegistry, needs, runProgram } from '../../servers/index.ts';
import { type Client, openClient } from './reader.ts';
import { moduleFile, openWorkshop, type Workshop } from './workshop.ts';

const BUILD_TIMEOUT_MS = 600_000;
const OCI_TAR = 'application/vnd.oci.image.layer.v1.tar+gzip';
const signal = new AbortController().signal;
let pool: CuePool;
let renderer: Renderer;
let workshop: Workshop;
let ours: Client;

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
  const library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../../cue'));
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
  renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
}, BUILD_TIMEOUT_MS);
afterAll(() => pool.close());

beforeEach(async () => {
  workshop = await openWorkshop();
  ours = openClient(workshop);
});
afterEach(async () => {
  await ours[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

function fetchModule(repository: string, tag: string): Promise<FetchedModule> {
  return ours.modules.fetch({ host: workshop.registry.host, repository, tag }, signal);
}

/** The module whose ConfigMap says what the library says. */
const APP = `package app

import "test.example/lib/words"

graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: text: words.greeting}
`;
const WORDS = 'package words\n\ngreeting: "hello"\n';

test('a module with a dependency, both published by cue, is fetched and rendered', async () => {
  await workshop.write('lib', {
    'cue.mod/module.cue': moduleFile('test.example/lib@v0'),
    'words/words.cue': WORDS,
  });
  await workshop.cue('lib', 'mod', 'publish', 'v0.1.0');
  await workshop.write('app', { 'cue.mod/module.cue': moduleFile('test.example/app@v1'), 'app.cue': APP });
  await workshop.cue('app', 'mod', 'tidy');
  await workshop.cue('app', 'mod', 'publish', 'v1.2.0');
  workshop.registry.forget();

  const { tree, digest } = await fetchModule('test.example/app', 'v1.2.0');
  const registries = new CueRegistries(`${workshop.registry.host}+secure`);
  const dependencies = new ModuleDependencies(registries).loaderFor(tree, ours.modules);
  const module: ResolvedModule = { tree, digest, packagePath: '.', dependencies };
  const context = {
    name: 'shop',
    namespace: 'team-a',
    labels: {},
    annotations: {},
    cluster: { version: 'v1.36.3', apiVersions: ['v1'] },
  };
  const result = await renderer.render({ module, input: {}, context }, signal);
  if (!result.ok) throw result.error;
  expect(result.nodes[0]?.object?.['data']).toEqual({ text: 'hello' });
  expect(dependencies.chosen()).toEqual([
    expect.objectContaining({ module: 'test.example/lib@v0', version: 'v0.1.0' }),
  ]);
  expect(workshop.registry.counts()).toMatchObject({ 'GET manifest': 2, 'GET blob': 4 });
});

test('files, folders and a tar that were pushed as layers are one and the same module', async () => {
  const files = {
    'cue.mod/module.cue': moduleFile('test.example/app@v0'),
    'app.cue': 'package app\n',
    'words/words.cue': WORDS,
  };
  await workshop.write('app', files);
  await workshop.push('app', 'app:files', ...Object.keys(files).map((name) => `${name}:text/x-cue`));
  await workshop.push('app', 'app:folders', 'cue.mod', 'words', 'app.cue:text/x-cue');
  const tar = ['-czf', 'app.tar.gz', '-C', 'app', '.'];
  expect(await runProgram('tar', tar, { cwd: workshop.directory })).toMatchObject({ exitCode: 0 });
  await workshop.push('.', 'app:tar', `app.tar.gz:${OCI_TAR}`);

  const fetched = await Promise.all(['files', 'folders', 'tar'].map((tag) => fetchModule('app', tag)));
  const trees = fetched.map(({ tree }) => tree);
  expect(Object.fromEntries(trees[0]?.files ?? [])).toEqual(files);
  expect(new Set(trees.map(({ digest }) => digest)).size).toBe(1);
});

/** Publishes the library in the layout of CUE's modules: a zip, and the module file beside it. */
async function publishLibrary(): Promise<string> {
  const { client, access } = ours;
  const reference = { host: workshop.registry.host, repository: 'test.example/lib', tag: 'v0.1.0' };
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const file = bytes(moduleFile('test.example/lib@v0'));
  const zip = await writeZip(
    new Map([
      ['cue.mod/module.cue', file],
      ['words/words.cue', bytes(WORDS)],
    ]),
  );
  const put = async (mediaType: string, content: Uint8Array): Promise<object> => ({
    mediaType,
    ...(await client.pushBlob(reference, content, access, signal)),
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = await put(CUE_MODULE_TYPE, bytes('{}'));
  const layers = [await put(CUE_ZIP_TYPE, zip), await put(CUE_MODULE_FILE_TYPE, file)];
  const body = bytes(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  return await client.pushManifest(reference, { mediaType, body }, access, signal);
}

test('cue takes a module that was published from here as a dependency', async () => {
  await publishLibrary();
  await workshop.write('app', { 'cue.mod/module.cue': moduleFile('test.example/app@v0'), 'app.cue': APP });
  await workshop.cue('app', 'mod', 'get', 'test.example/lib@v0.1.0');
  const exported: unknown = JSON.parse(await workshop.cue('app', 'export', '.'));
  expect(exported).toMatchObject({ graph: { nodes: { cm: { object: { data: { text: 'hello' } } } } } });
});

const skopeo = needs('skopeo');

test.skipIf(skopeo.isMissing)(
  `skopeo reads and copies what was published from here${skopeo.note}`,
  async () => {
    const digest = await publishLibrary();
    const reference = `docker://${workshop.registry.host}/test.example/lib:v0.1.0`;
    const manifest = await workshop.skopeo('inspect', '--raw', reference);
    expect(digestOf(Buffer.from(manifest))).toBe(digest);
    const copy = join(workshop.directory, 'copy');
    await workshop.skopeo('copy', reference, `dir:${copy}`);
    expect(await readFile(join(copy, 'manifest.json'), 'utf8')).toBe(manifest);
  },
);
