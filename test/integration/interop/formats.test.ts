// What the tools of others publish is read here, and what is written here the tools of others read.

import { join } from 'node:path';
import type { CuePool } from 'cuelang-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeZip } from '../../../src/archive/index.ts';
import { createEvaluatorPool, Renderer } from '../../../src/render/index.ts';
import {
  CUE_MODULE_FILE_TYPE,
  CUE_MODULE_TYPE,
  CUE_ZIP_TYPE,
  CueRegistries,
  loadEmbeddedLibrary,
  ModuleDependencies,
  type ResolvedModule,
} from '../../../src/source/index.ts';
import {
  ensureCue,
  ensureOrasTool,
  ensureRegistry,
  type Registry,
  runOrasTool,
  runProgram,
  startRegistry,
} from '../../servers/index.ts';
import { plainReader, referenceOf } from './plain-reader.ts';
import { moduleFile, openWorkshop, type Workshop } from './workshop.ts';

const BUILD_TIMEOUT_MS = 600_000;
const OCI_TAR = 'application/vnd.oci.image.layer.v1.tar+gzip';
const signal = new AbortController().signal;
let pool: CuePool;
let renderer: Renderer;
let registry: Registry;
let workshop: Workshop;

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
  const library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../../cue'));
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
  renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
}, BUILD_TIMEOUT_MS);
afterAll(() => pool.close());

beforeEach(async () => {
  registry = await startRegistry();
  workshop = await openWorkshop(registry);
});
afterEach(async () => {
  await workshop[Symbol.asyncDispose]();
  await registry.stop();
});

/** The module whose ConfigMap says what the library says. */
const APP = `package app

import "test.example/lib/words"

graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: text: words.greeting}
`;
const WORDS = 'package words\n\ngreeting: "hello"\n';

async function push(...args: readonly string[]): Promise<void> {
  const result = await runOrasTool(['push', '--plain-http', ...args]);
  if (result.exitCode !== 0) throw new Error(result.stderr);
}

test('a module with a dependency, both published by cue, is fetched and rendered', async () => {
  await workshop.write('lib', {
    'cue.mod/module.cue': moduleFile('test.example/lib@v0'),
    'words/words.cue': WORDS,
  });
  await workshop.cue('lib', 'mod', 'publish', 'v0.1.0');
  await workshop.write('app', { 'cue.mod/module.cue': moduleFile('test.example/app@v1'), 'app.cue': APP });
  await workshop.cue('app', 'mod', 'tidy');
  await workshop.cue('app', 'mod', 'publish', 'v1.2.0');
  registry.forget();

  const reader = plainReader();
  const { tree, digest } = await reader.fetch(
    referenceOf(registry.host, 'test.example/app', 'v1.2.0'),
    signal,
  );
  const dependencies = new ModuleDependencies(new CueRegistries(registry.host)).loaderFor(tree, reader);
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
  expect(registry.counts()).toEqual({ 'GET manifest': 2, 'GET blob': 4 });
});

test('files, folders and a tar that were pushed as layers are one and the same module', async () => {
  const files = {
    'cue.mod/module.cue': moduleFile('test.example/app@v0'),
    'app.cue': 'package app\n',
    'words/words.cue': WORDS,
  };
  await workshop.write('app', files);
  const folder = join(workshop.directory, 'app');
  const reference = (tag: string): string => `${registry.host}/app:${tag}`;
  await push(
    '--directory',
    folder,
    reference('files'),
    ...Object.keys(files).map((name) => `${name}:text/x-cue`),
  );
  await push('--directory', folder, reference('folders'), 'cue.mod', 'words', 'app.cue:text/x-cue');
  const archive = join(workshop.directory, 'app.tar.gz');
  expect(await runProgram('tar', ['-czf', archive, '-C', folder, '.'])).toMatchObject({ exitCode: 0 });
  await push('--directory', workshop.directory, reference('tar'), `app.tar.gz:${OCI_TAR}`);

  const reader = plainReader();
  const read = (tag: string): ReturnType<typeof reader.fetch> =>
    reader.fetch(referenceOf(registry.host, 'app', tag), signal);
  const trees = (await Promise.all(['files', 'folders', 'tar'].map(read))).map(({ tree }) => tree);
  expect(Object.fromEntries(trees[0]?.files ?? [])).toEqual(files);
  expect(new Set(trees.map(({ digest }) => digest)).size).toBe(1);
});

test('cue takes a zip that was written here as a dependency', async () => {
  const file = moduleFile('test.example/lib@v0');
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const zip = await writeZip(
    new Map([
      ['cue.mod/module.cue', bytes(file)],
      ['words/words.cue', bytes(WORDS)],
    ]),
  );
  await workshop.write('zipped', { 'module.zip': zip, 'module.cue': file, 'config.json': '{}' });
  await push(
    ...['--directory', join(workshop.directory, 'zipped'), '--config', `config.json:${CUE_MODULE_TYPE}`],
    `${registry.host}/test.example/lib:v0.1.0`,
    ...[`module.zip:${CUE_ZIP_TYPE}`, `module.cue:${CUE_MODULE_FILE_TYPE}`],
  );
  await workshop.write('app', { 'cue.mod/module.cue': moduleFile('test.example/app@v0'), 'app.cue': APP });
  await workshop.cue('app', 'mod', 'get', 'test.example/lib@v0.1.0');
  const exported: unknown = JSON.parse(await workshop.cue('app', 'export', '.'));
  expect(exported).toMatchObject({ graph: { nodes: { cm: { object: { data: { text: 'hello' } } } } } });
});
