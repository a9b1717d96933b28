// pequod render and validate without a cluster, from a real registry and a real git server.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginSecret, pushSample, sampleModule } from '../../../e2e/support/publish.ts';
import {
  ACCOUNTS,
  createTestAuthority,
  ensureOrasTool,
  ensureRegistry,
  type GitHttpServer,
  type ProgramResult,
  type Registry,
  runProgram,
  startGitHttpServer,
  startRegistry,
} from '../../servers/index.ts';

const PROGRAM = join(import.meta.dirname, '../../../src/cli/pequod.ts');
const BUILD_TIMEOUT_MS = 600_000;
const { publisher, reader } = ACCOUNTS;
let registry: Registry;
let guarded: Registry;
let git: GitHttpServer;
let folder = '';

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureOrasTool]) await ensure();
  registry = await startRegistry();
  guarded = await startRegistry({ auth: 'basic', tls: createTestAuthority() });
  git = await startGitHttpServer();
  folder = await mkdtemp(join(tmpdir(), 'render-places-'));
  await pushSample(registry, 'shop:v1', 'from-registry');
  await pushSample(guarded, 'shop:v1', 'guarded', publisher);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await Promise.all([registry.stop(), guarded.stop(), git.stop()]);
});

async function render(cueRef: object, args: readonly string[], stdin: string = ''): Promise<ProgramResult> {
  const file = join(folder, 'transform.json');
  const transform = {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'Transform',
    metadata: { name: 'shop' },
    spec: { cueRef, input: { text: 'hello' } },
  };
  await writeFile(file, JSON.stringify(transform));
  const env = { DOCKER_CONFIG: folder };
  return await runProgram(process.execPath, [PROGRAM, 'render', '-f', file, '-o', 'json', ...args], {
    env,
    stdin,
  });
}

test('a module of a registry is rendered', async () => {
  const ref = `oci://${registry.host}/shop:v1`;
  const { exitCode, stdout, stderr } = await render({ type: 'oci', ref }, ['--plain-http']);
  expect(stderr).toBe('');
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('from-registry')]);
});

test('a module of a git repository is rendered', async () => {
  const repository = await git.createRepository('platforms', { 'shop/shop.cue': sampleModule('from-git') });
  const ref = `${git.urlOf(repository)}?ref=main&path=shop`;
  const { exitCode, stdout } = await render({ type: 'git', ref }, ['--plain-http']);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('from-git')]);
});

test('a private one is rendered with the login that is given, or that Docker keeps, in place of its Secret', async () => {
  const ref = {
    type: 'oci',
    ref: `oci://${guarded.host}/shop:v1`,
    pullSecretRef: { name: 'in-the-cluster' },
  };
  const authority = ['--ca-file', guarded.caFile ?? ''];
  const refused = await render(ref, authority);
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('SOURCE_AUTH')]);
  const given = await render(ref, [...authority, '-u', reader.username, '--password-stdin'], reader.password);
  expect([given.exitCode, given.stdout]).toEqual([0, expect.stringContaining('guarded')]);
  const { data } = loginSecret(guarded.host, reader);
  await writeFile(join(folder, 'config.json'), Buffer.from(data['.dockerconfigjson'] ?? '', 'base64'));
  const kept = await render(ref, authority);
  expect([kept.exitCode, kept.stdout]).toEqual([0, expect.stringContaining('guarded')]);
  for (const { stdout, stderr } of [refused, given, kept])
    expect(stdout + stderr).not.toContain(reader.password);
});

test('that signatures are not verified here is said', async () => {
  const verify = { provider: 'cosign', secretRef: { name: 'keys' } };
  const ref = { type: 'oci', ref: `oci://${registry.host}/shop:v1`, verify };
  const { exitCode, stderr } = await render(ref, ['--plain-http']);
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/info: signatures are not verified here/)]);
});
