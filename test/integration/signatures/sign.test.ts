// Signing and verifying at the command line, against the registry of the CNCF, which keeps no list of referrers itself.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { docExample } from '../../../e2e/support/docs.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { EgressGuard } from '../../../src/egress/index.ts';
import { parseOciReference, RegistryClient } from '../../../src/registry/index.ts';
import { generateSigningKey } from '../../../src/signatures/index.ts';
import { ACCOUNTS, type Registry, startRegistry } from '../../servers/index.ts';
import { attachBundle, keylessBundle, MemoryRegistry, TestSigstore } from '../../signatures/index.ts';

const { signal } = new AbortController();
const { publisher } = ACCOUNTS;
let folder = '';
let registry: Registry;
let client: RegistryClient;
let repositories = 0;
let pairs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pequod-sign-'));
  registry = await startRegistry({ auth: 'basic' });
  client = new RegistryClient({
    guard: new EgressGuard({ allow: ['127.0.0.0/8'] }),
    plainHttpHosts: [registry.host],
  });
});

afterAll(async () => {
  await client?.close();
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  vi.stubEnv('COSIGN_PASSWORD', '');
  vi.stubEnv('DOCKER_CONFIG', folder);
  return () => vi.unstubAllEnvs();
});

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function pequod(args: readonly string[], stdin = ''): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exitCode = await runProgram(args, { stdin: Readable.from([stdin]), stdout, stderr }, signal);
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** A login for the registry, where Docker keeps it. */
async function logIn(): Promise<void> {
  const auth = Buffer.from(`${publisher.username}:${publisher.password}`).toString('base64');
  await file('config.json', JSON.stringify({ auths: { [registry.host]: { auth } } }));
}

interface Pushed {
  readonly tagged: string;
  readonly digest: string;
}

/** Pushes what is in a registry in memory, with an artefact of its own under the tag v1. */
async function push(
  fill: (memory: MemoryRegistry, digest: string) => void = () => undefined,
): Promise<Pushed> {
  const memory = new MemoryRegistry();
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...memory.putBlob(Buffer.from('{}')) };
  const layer = {
    mediaType: 'text/plain',
    ...memory.putBlob(Buffer.from(`package m${repositories}\n`)),
    annotations: { 'org.opencontainers.image.title': 'm.cue' },
  };
  const digest = memory.putManifest({ schemaVersion: 2, mediaType, config, layers: [layer] }, 'v1');
  fill(memory, digest);
  repositories += 1;
  const reference = { host: registry.host, repository: `team/web-${repositories}` };
  const access = { credentials: publisher };
  for (const bytes of memory.blobs.values()) await client.pushBlob(reference, bytes, access, signal);
  for (const [each, body] of memory.manifests) {
    const tag = each === digest ? { tag: 'v1' } : {};
    await client.pushManifest(
      { ...reference, ...tag },
      { mediaType, body: Buffer.from(body) },
      access,
      signal,
    );
  }
  return { tagged: `oci://${reference.host}/${reference.repository}:v1`, digest };
}

async function keys(passphrase?: string): Promise<{ readonly key: string; readonly pub: string }> {
  const { key, publicKey } = generateSigningKey(passphrase);
  pairs += 1;
  const name = `signer-${pairs}`;
  return { key: await file(`${name}.key`, key), pub: await file(`${name}.pub`, publicKey) };
}

test.each([[[]], [['--classic']]])(
  'what is signed (%j) is verified, by this key and no other',
  async (options) => {
    await logIn();
    const { tagged, digest } = await push();
    const { key, pub } = await keys();
    const said = `${tagged}@${digest}\n`;
    const signed = await pequod(['sign', tagged, '--key', key, '--plain-http', ...options]);
    expect(signed).toEqual({ exitCode: 0, stdout: said, stderr: '' });

    const verified = await pequod(['verify', tagged, '--verify-key', pub, '--plain-http', '-o', 'json']);
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toEqual({
      reference: `${tagged}@${digest}`,
      digest,
      signer: `key ${pub.slice(folder.length + 1)}`,
    });

    const other = await keys();
    const refused = await pequod(['verify', tagged, '--verify-key', other.pub, '--plain-http']);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('none by key');
    expect(refused.stderr).toContain('no key verifies it (SOURCE_UNVERIFIED)');
  },
);

test('the format of cosign 1 and 2 is written where it is asked for', async () => {
  await logIn();
  const { tagged, digest } = await push();
  const { key } = await keys();
  const reference = parseOciReference(tagged);
  const simple = `${digest.replace(':', '-')}.sig`;
  const tags = (): Promise<readonly string[]> => client.tags(reference, { credentials: publisher }, signal);
  await pequod(['sign', tagged, '--key', key, '--plain-http']);
  expect(await tags()).not.toContain(simple);
  await pequod(['sign', tagged, '--key', key, '--plain-http', '--classic']);
  expect(await tags()).toContain(simple);
});

test('the commands of the page on publishing do what it says', async () => {
  await logIn();
  const { tagged, digest } = await push();
  const commands = (await docExample('publishing.md', 'sign a module'))
    .trim()
    .replaceAll('oci://registry.example.com/platform/webservice:v1', tagged)
    .replaceAll(' webservice', ` ${join(folder, 'webservice')}`)
    .split('\n');
  const said: string[] = [];
  for (const command of commands) {
    const [program, ...args] = command.split(' ');
    expect(program).toBe('pequod');
    const isLocal = args[0] === 'generate-key';
    const { exitCode, stdout, stderr } = await pequod(isLocal ? args : [...args, '--plain-http']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    said.push(stdout);
  }
  expect(said.at(-1)).toBe(`${tagged}@${digest}\nsigned by key webservice.pub\n`);
});

test('a module is pulled only where it is signed, and what is pulled is what was verified', async () => {
  await logIn();
  const { tagged, digest } = await push();
  const { key, pub } = await keys();
  const into = (name: string): readonly string[] => ['pull', tagged, join(folder, name), '--plain-http'];
  const unsigned = await pequod([...into('unsigned'), '--verify-key', pub]);
  expect(unsigned).toMatchObject({ exitCode: 1, stdout: '' });
  expect(unsigned.stderr).toContain(`${digest} has no signature`);
  await expect(stat(join(folder, 'unsigned'))).rejects.toMatchObject({ code: 'ENOENT' });
  await pequod(['sign', tagged, '--key', key, '--plain-http']);
  registry.forget();
  const pulled = await pequod([...into('signed'), '--verify-key', pub]);
  expect(pulled).toEqual({ exitCode: 0, stdout: `${tagged}@${digest}\n`, stderr: '' });
  const byTag = registry.requests().filter(({ status, reference }) => status === 200 && reference === 'v1');
  expect(byTag).toHaveLength(1);
});

test('a tag is asked for once; what is signed and verified is its digest', async () => {
  await logIn();
  const { tagged } = await push();
  const { key, pub } = await keys();
  const tagRequests = (): number =>
    registry.requests().filter(({ kind, reference }) => kind === 'manifest' && reference === 'v1').length;
  registry.forget();
  await pequod(['sign', tagged, '--key', key, '--plain-http']);
  const asked = registry.requests().filter(({ status, kind, reference }) => {
    return status === 200 && kind === 'manifest' && reference === 'v1';
  });
  expect(asked).toHaveLength(1);
  expect(tagRequests()).toBeLessThanOrEqual(2);
  registry.forget();
  await pequod(['verify', tagged, '--verify-key', pub, '--plain-http']);
  expect(tagRequests()).toBeLessThanOrEqual(2);
});

test('signatures add up, in both formats', async () => {
  await logIn();
  const { tagged } = await push();
  const both = [await keys(), await keys()];
  for (const { key } of both) await pequod(['sign', tagged, '--key', key, '--plain-http', '--classic']);
  for (const { pub } of both) {
    expect(await pequod(['verify', tagged, '--verify-key', pub, '--plain-http'])).toMatchObject({
      exitCode: 0,
    });
  }
});

test('an encrypted key is read with a passphrase from standard input, or from the environment', async () => {
  await logIn();
  const { tagged } = await push();
  const { key } = await keys('open sesame');
  const args = ['sign', tagged, '--key', key, '--plain-http'];
  const without = await pequod(args);
  expect(without).toMatchObject({ exitCode: 2, stdout: '' });
  expect(without.stderr).toContain('it is encrypted, and there is no passphrase');
  const wrong = await pequod([...args, '--passphrase-stdin'], 'swordfish\n');
  expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
  expect(wrong.stderr).not.toContain('swordfish');
  expect(await pequod([...args, '--passphrase-stdin'], 'open sesame\n')).toMatchObject({ exitCode: 0 });
  vi.stubEnv('COSIGN_PASSWORD', 'open sesame');
  expect(await pequod(args)).toMatchObject({ exitCode: 0 });
});

test('a signature by an identity is verified with a trusted root', async () => {
  await logIn();
  const sigstore = new TestSigstore();
  const { tagged } = await push((memory, digest) =>
    attachBundle(memory, digest, keylessBundle(sigstore, digest)),
  );
  const root = await file('trusted_root.json', sigstore.makeTrustedRoot());
  const subject = 'https://git.test/team/web/.ci/release.yml@refs/heads/main';
  const args = ['verify', tagged, '--plain-http', '--verify-issuer', 'https://tokens.test'];
  const trusting = [...args, '--sigstore-trusted-root', root, '--verify-subject'];
  expect(await pequod([...trusting, subject])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(`\nsigned by ${subject}\n`),
  });
  expect(await pequod([...trusting, 'https://git.test/.*'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('none by https://git.test/.*'),
  });
  expect(await pequod([...args, '--verify-subject', subject])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('belong together'),
  });
});

test('who may not write, or is not let in, is told so', async () => {
  const { tagged } = await push();
  const { key, pub } = await keys();
  await file('config.json', '{}');
  const anonymous = await pequod(['sign', tagged, '--key', key, '--plain-http']);
  expect(anonymous).toMatchObject({ exitCode: 1, stdout: '' });
  expect(anonymous.stderr).toContain('SOURCE_AUTH');
  const login = ['--username', publisher.username, '--password-stdin', '--plain-http'];
  expect(await pequod(['sign', tagged, '--key', key, ...login], publisher.password)).toMatchObject({
    exitCode: 0,
  });
  expect(await pequod(['verify', tagged, '--verify-key', pub, ...login], publisher.password)).toMatchObject({
    exitCode: 0,
  });
  const twice = await pequod(['sign', tagged, '--key', key, '--passphrase-stdin', ...login], 'x');
  expect(twice).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('both read standard input') });
});

test.each([
  ['a public key', 'pub', 'it is a PUBLIC KEY, not a private key'],
  ['no file', 'missing', 'ENOENT'],
])('%s is no key to sign with, and nothing is asked', async (_what, which, message) => {
  const { tagged } = await push();
  const { pub } = await keys();
  registry.forget();
  const path = which === 'pub' ? pub : join(folder, 'missing.key');
  const refused = await pequod(['sign', tagged, '--key', path, '--plain-http']);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(registry.requests()).toEqual([]);
});

test('a registry that does not list what was attached is found out', async () => {
  await logIn();
  const { tagged, digest } = await push();
  const { key } = await keys();
  const list = `/manifests/${digest.replace(':', '-')}`;
  registry.intercept((request, answer) => {
    if (request.method !== 'GET' || request.url?.endsWith(list) !== true) return false;
    answer.writeHead(404).end();
    return true;
  });
  const unlisted = await pequod(['sign', tagged, '--key', key, '--plain-http']);
  registry.intercept(undefined);
  expect(unlisted).toMatchObject({ exitCode: 1, stdout: '' });
  expect(unlisted.stderr).toContain('the signature was sent, but the registry does not give it back');
  expect(await readFile(key, 'utf8')).toContain('PRIVATE KEY');
});
