// The commands of docs/publishing.md, in order, as somebody who follows the page types them.
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docExample } from '../../../e2e/support/docs.ts';
import {
  ensureCue,
  ensureOrasTool,
  ensureRegistry,
  type Registry,
  runProgram,
  startRegistry,
} from '../../servers/index.ts';

const PROGRAM = join(import.meta.dirname, '../../../src/cli/pequod.ts');
const BUILD_TIMEOUT_MS = 600_000;

let registry: Registry;
let folder = '';
let programs = '';

beforeAll(async () => {
  await ensureRegistry();
  const [cue, oras] = [await ensureCue(), await ensureOrasTool()];
  registry = await startRegistry();
  folder = await mkdtemp(join(tmpdir(), 'publishing-page-'));
  programs = await mkdtemp(join(tmpdir(), 'publishing-page-programs-'));
  // The registry here has no certificate, so each program is told.
  await program(
    'pequod',
    `command=$1; shift; exec ${process.execPath} ${PROGRAM} "$command" --plain-http "$@"`,
  );
  await program('cue', `exec ${cue} "$@"`);
  await program('oras', `shift; exec ${oras} push --plain-http --directory . "$@"`);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  // cue makes the folders of its cache read-only.
  await run('chmod -R u+w .');
  for (const each of [folder, programs]) await rm(each, { recursive: true });
  await registry.stop();
});

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(programs, name), 0o755);
}

async function run(commands: string): Promise<string> {
  const env = {
    PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: folder,
    CUE_CACHE_DIR: join(folder, '.cue'),
    CUE_REGISTRY: registry.host,
    DOCKER_CONFIG: folder,
  };
  const { exitCode, stdout, stderr } = await runProgram('sh', ['-euc', commands], { cwd: folder, env });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

async function example(name: string): Promise<string> {
  return await run(
    (await docExample('publishing.md', name)).replaceAll('registry.example.com', registry.host),
  );
}

async function pulled(repositoryAndTag: string, name: string): Promise<readonly string[]> {
  await run(`pequod pull oci://${registry.host}/${repositoryAndTag} ${name}`);
  return (await readdir(join(folder, name), { recursive: true })).sort();
}

test('what the page shows does what it says', { timeout: 300_000 }, async () => {
  await example('a module');
  const reference = `oci://${registry.host}/modules/example.com/greeting:v1.0.0@sha256:`;
  const pushed = await example('push');
  expect(pushed.startsWith(reference)).toBe(true);
  expect(await example('pull')).toBe(pushed);
  expect(await readFile(join(folder, 'copy/greeting.cue'), 'utf8')).toContain('package greeting');

  expect(await example('depend')).toContain('example.com/shop:v0.1.0@sha256:');
  const exported: unknown = JSON.parse(
    await run(`cd shop && CUE_REGISTRY=${registry.host}/modules cue export .`),
  );
  expect(exported).toMatchObject({
    graph: { nodes: { sign: { object: { data: { text: 'Hello, customer!' } } } } },
  });

  await example('by cue');
  await example('by oras');
  const files = await pulled('modules/example.com/greeting:v1.1.0', 'by-cue');
  expect(files).toContain('words/words.cue');
  expect(await pulled('greeting:v1.2.0', 'by-oras')).toEqual(files);
});
