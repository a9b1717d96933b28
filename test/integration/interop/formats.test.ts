// What the tools of others publish is read here, and what is written here the tools of others read.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CuePool } from 'cuelang-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../src/registry/index.ts';
import { createEvaluatorPool, Renderer } from '../../../src/render/index.ts';
import { loadEmbeddedLibrary } from '../../../src/source/index.ts';
import { ensureCue, ensureOrasTool, ensureRegistry, needs, runProgram } from '../../servers/index.ts';
import { type Ours, openOurs } from './ours.ts';
import { moduleFile, openWorkshop, type Workshop } from './workshop.ts';

const BUILD_TIMEOUT_MS = 600_000;
const OCI_TAR = 'application/vnd.oci.image.layer.v1.tar+gzip';
const signal = new AbortController().signal;
let pool: CuePool;
let renderer: Renderer;
let workshop: Workshop;
let ours: Ours;

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
  const library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../../cue'));
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
  renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
}, BUILD_TIMEOUT_MS);
afterAll(() => pool.close());

beforeEach(async () => {
  workshop = await openWorkshop();
  ours = await openOurs(workshop);
});
afterEach(async () => {
  await ours[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

/** The module whose ConfigMap says what the library says. */
const APP = `package app

import "test.example/lib/words"

graph: nodes: cm: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "cm", data: text: words.greeting}
`;
const WORDS = 'package words\n\ngreeting: "hello"\n';
const LIBRARY = { 'cue.mod/module.cue': moduleFile('test.example/lib@v0'), 'words/words.cue': WORDS };

test('a module with a dependency, both published by cue, is fetched and rendered', async () => {
  await workshop.write('lib', LIBRARY);
  await workshop.cue('lib', 'mod', 'publish', 'v0.1.0');
  await workshop.write('app', { 'cue.mod/module.cue': moduleFile('test.example/app@v1'), 'app.cue': APP });
  await workshop.cue('app', 'mod', 'tidy');
  await workshop.cue('app', 'mod', 'publish', 'v1.2.0');
  workshop.registry.forget();

  const module = await ours.load('test.example/app:v1.2.0');
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
  expect(module.dependencies?.chosen()).toEqual([
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

  const modules = await Promise.all(['files', 'folders', 'tar'].map((tag) => ours.load(`app:${tag}`)));
  const trees = modules.map(({ tree }) => tree);
  expect(Object.fromEntries(trees[0]?.files ?? [])).toEqual(files);
  expect(new Set(trees.map(({ digest }) => digest)).size).toBe(1);
});

async function publishLibrary(): Promise<string> {
  await workshop.write('lib', LIBRARY);
  return await ours.publish('lib', 'test.example/lib', 'v0.1.0');
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
