import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  ACCOUNTS,
  createTestAuthority,
  ensureCue,
  ensureOrasTool,
  ensureRegistry,
  runCue,
  runOrasTool,
  startRegistry,
} from '../../servers/index.ts';

const BUILD_TIMEOUT_MS = 600_000;
let folder: string;

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
}, BUILD_TIMEOUT_MS);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

test('cue publishes a module over TLS with a password, and another module imports it', async () => {
  const authority = createTestAuthority();
  await using registry = await startRegistry({ tls: authority, auth: 'basic' });
  const { username, password } = ACCOUNTS.publisher;
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await write({
    'config.json': JSON.stringify({ auths: { [registry.host]: { auth } } }),
    'app/cue.mod/module.cue':
      'module: "test.example/app@v0"\nlanguage: version: "v0.16.0"\nsource: kind: "self"\n',
    'app/app.cue': 'package app\n\nreplicas: 3\n',
    'user/cue.mod/module.cue':
      'module: "test.example/user@v0"\nlanguage: version: "v0.16.0"\ndeps: "test.example/app@v0": v: "v0.1.0"\n',
    'user/user.cue': 'package user\n\nimport "test.example/app@v0"\n\ncount: app.replicas\n',
  });
  const env = {
    CUE_REGISTRY: `${registry.host}+secure`,
    CUE_CACHE_DIR: join(folder, 'cache'),
    DOCKER_CONFIG: folder,
    SSL_CERT_FILE: registry.caFile,
  };
  try {
    expect(await runCue(['mod', 'publish', 'v0.1.0'], { cwd: join(folder, 'app'), env })).toMatchObject({
      exitCode: 0,
    });
    const imported = await runCue(['export', '.'], { cwd: join(folder, 'user'), env });
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(imported.stdout)).toEqual({ count: 3 });

    const stranger = { ...env, DOCKER_CONFIG: join(folder, 'nobody'), CUE_CACHE_DIR: join(folder, 'cache2') };
    const refused = await runCue(['export', '.'], { cwd: join(folder, 'user'), env: stranger });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('401');
  } finally {
    // cue makes the folders of its cache read-only.
    await runCue(['clean', '--modcache'], { cwd: folder, env });
  }
});

test('files come back as they were pushed, and every request is counted', async () => {
  await using registry = await startRegistry();
  await write({ 'in/app.cue': 'package app\n', 'in/sub/more.cue': 'package sub\n' });
  await mkdir(join(folder, 'out'));
  const reference = `${registry.host}/modules/app:v1`;
  const pushed = await runOrasTool(
    ['push', '--plain-http', '--directory', join(folder, 'in'), reference, 'app.cue:text/x-cue', 'sub'],
    {},
  );
  expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
  registry.forget();

  const pull = ['pull', '--plain-http', '--directory', join(folder, 'out'), reference];
  expect(await runOrasTool(pull)).toEqual(pushed);
  expect(await readFile(join(folder, 'out/sub/more.cue'), 'utf8')).toBe('package sub\n');
  expect(registry.counts()).toEqual({ 'GET manifest': 1, 'GET blob': 3 });
  expect(registry.requests()).toContainEqual(
    expect.objectContaining({ kind: 'manifest', repository: 'modules/app', reference: 'v1', status: 200 }),
  );
});

test('a registry can be away for a while, answer nonsense, lose a manifest, and leaves nothing behind', async () => {
  const registry = await startRegistry();
  await write({ 'app.cue': 'package app\n' });
  const reference = `${registry.host}/app:v1`;
  const push = ['push', '--plain-http', '--directory', folder, reference, 'app.cue'];
  const digest = (await runOrasTool(push)).stdout.trim();
  const manifest = `${registry.url}/v2/app/manifests/${digest}`;
  const accept = { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } };

  await registry.takeDown();
  await expect(fetch(manifest, accept)).rejects.toThrow('fetch failed');
  await registry.bringBack();
  expect((await fetch(manifest, accept)).status).toBe(200);

  registry.intercept((_request, response) => {
    response.writeHead(503).end('not now');
    return true;
  });
  expect((await fetch(manifest, accept)).status).toBe(503);
  registry.intercept(undefined);
  expect((await fetch(manifest, { method: 'DELETE' })).status).toBe(202);
  expect((await fetch(manifest, accept)).status).toBe(404);
  expect(registry.requests().map(({ status }) => status)).toEqual(
    expect.arrayContaining([201, 200, 503, 202, 404]),
  );
  await registry.stop();
  await registry.stop();
  await expect(fetch(manifest, accept)).rejects.toThrow('fetch failed');
});

test('the authority of a registry is a file as long as the registry is there', async () => {
  const registry = await startRegistry({ tls: createTestAuthority() });
  const caFile = registry.caFile ?? '';
  expect(await readFile(caFile, 'utf8')).toBe(registry.caPem);
  await registry.stop();
  expect(existsSync(dirname(caFile))).toBe(false);
});
