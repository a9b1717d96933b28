// pequod push and pull against a real registry: what cue makes of it, who may, and what is left when they are stopped.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { type ArtifactManifest, parseOciReference, RegistryClient } from '../../../src/registry/index.ts';
import {
  ACCOUNTS,
  createTestAuthority,
  ensureCue,
  ensureRegistry,
  type ProgramResult,
  type Registry,
  type RunOptions,
  runProgram,
  startRegistry,
  startScriptedServer,
} from '../../servers/index.ts';
import { moduleFile, openWorkshop, type Workshop } from '../interop/workshop.ts';

const PROGRAM = join(import.meta.dirname, '../../../src/cli/pequod.ts');
const BUILD_TIMEOUT_MS = 600_000;
/** For a test that starts the program ten times. */
const SLOW_MS = 300_000;
const CANARY = 'canary-7f3a';
const { publisher } = ACCOUNTS;

let registry: Registry;
let guarded: Registry;
let workshop: Workshop;
let folder = '';

beforeAll(async () => {
  for (const ensure of [ensureRegistry, ensureCue]) await ensure();
  workshop = await openWorkshop();
  ({ registry } = workshop);
  guarded = await startRegistry({ auth: 'basic', tls: createTestAuthority() });
  folder = await mkdtemp(join(tmpdir(), 'publishing-'));
  await workshop.write('web', {
    'cue.mod/module.cue': moduleFile('test.example/web@v1'),
    'web.cue': 'package web\n\ngraph: nodes: cm: object: metadata: name: input.name\n#Input: name: string\n',
    'words/words.cue': 'package words\n\ngreeting: "hello"\n',
    'README.md': '# web\n',
    '.git/config': '',
  });
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  await guarded.stop();
});

async function pequod(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  const env = { DOCKER_CONFIG: workshop.directory, CUE_REGISTRY: `${registry.host}+secure`, ...options.env };
  return await runProgram(process.execPath, [PROGRAM, ...args], { ...options, env });
}

/** What says how the workshop's registry is reached. */
const flags = (): readonly string[] => [
  ...['--ca-file', registry.caFile ?? ''],
  ...['--registry-realm', `${registry.host}=${workshop.tokens.host}`],
];
const source = (name: string): string => join(workshop.directory, name);
const at = (repository: string, tag: string): string => `oci://${registry.host}/${repository}:${tag}`;

async function pushed(name: string, reference: string, ...more: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await pequod(['push', source(name), reference, ...flags(), ...more]);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.trim();
}

test('what is pushed is printed with its digest, pulled whole, and taken by cue as a dependency', async () => {
  const reference = at('test.example/web', 'v1.0.0');
  const push = await pequod(['push', source('web'), reference, ...flags()]);
  expect(push).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(new RegExp(`^${reference}@sha256:[0-9a-f]{64}\n$`)),
    stderr: 'left out: .git: is of version control\n4 files, 206 bytes\n',
  });

  const target = join(folder, 'pulled');
  const pull = await pequod(['pull', push.stdout.trim(), target, ...flags(), '-o', 'json']);
  expect(JSON.parse(pull.stdout)).toEqual({
    reference: push.stdout.trim(),
    digest: push.stdout.trim().split('@')[1],
    files: ['README.md', 'cue.mod/module.cue', 'web.cue', 'words/words.cue'],
  });
  expect(await readFile(join(target, 'words/words.cue'), 'utf8')).toContain('hello');

  await workshop.write('user', {
    'cue.mod/module.cue': moduleFile('test.example/user@v0'),
    'user.cue': 'package user\n\nimport "test.example/web/words@v1"\n\nsaid: words.greeting\n',
  });
  await workshop.cue('user', 'mod', 'get', 'test.example/web@v1.0.0');
  expect(JSON.parse(await workshop.cue('user', 'export', '.'))).toEqual({ said: 'hello' });
  // What cue resolved is checked before a push, from the same registry.
  expect(await pushed('user', at('test.example/user', 'v0.1.0'))).toContain('@sha256:');
});

test('the artefact is the one that cue publishes, but for the compression of its zip', async () => {
  const ours = await pushed('web', at('same/ours', 'v1.0.0'));
  await workshop.cue('web', 'mod', 'publish', 'v1.7.0');
  const client = new RegistryClient({
    guard: new EgressGuard({ allow: ['127.0.0.1'] }),
    trustedRealms: [{ registry: registry.host, realm: workshop.tokens.host }],
  });
  onTestFinished(() => client.close());
  const { username, password } = workshop.user;
  const access = { credentials: { username, password }, tls: { ca: registry.caPem ?? '' } };
  const manifest = async (reference: string): Promise<ArtifactManifest> =>
    (await client.resolve(parseOciReference(reference), access, new AbortController().signal)).value;
  const theirs = at('test.example/web', 'v1.7.0');
  const expected = await manifest(theirs);
  const [zip, beside] = expected.layers;
  expect(await manifest(ours)).toEqual({
    ...expected,
    layers: [{ ...zip, digest: expect.any(String), size: expect.any(Number) }, beside],
  });
  const [one, other] = [join(folder, 'ours'), join(folder, 'theirs')];
  await pequod(['pull', ours, one, ...flags()]);
  await pequod(['pull', theirs, other, ...flags()]);
  const files = (await readdir(one, { recursive: true })).sort();
  expect(files).toContain('README.md');
  expect((await readdir(other, { recursive: true })).sort()).toEqual(files);
});

test('a tag keeps its module: the same one may be pushed again, another only with --overwrite', async () => {
  const reference = at('test.example/kept', 'v1.0.0');
  const first = await pushed('web', reference);
  const again = await pequod(['push', source('web'), reference, ...flags(), '-o', 'json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ reference: first, state: 'unchanged' });
  await workshop.write('changed', {
    'cue.mod/module.cue': moduleFile('test.example/kept@v1'),
    'a.cue': 'package a\n',
  });
  const refused = await pequod(['push', source('changed'), reference, ...flags()]);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toContain(`is another module already, ${first.split('@')[1]}`);
  expect(await pushed('changed', reference, '--overwrite')).not.toBe(first);
});

test('advice is given where nothing could depend on it, and it is pushed', async () => {
  const { exitCode, stderr } = await pequod(['push', source('web'), at('platform', 'latest'), ...flags()]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("warning: repository platform does not end in the module's path test.example/web");
  expect(stderr).toContain('warning: tag latest is no version such as v1.1.0');
});

test('a module that does not compile is not published, and its mistakes are where they are', async () => {
  await workshop.write('broken', {
    'cue.mod/module.cue': moduleFile('test.example/broken@v0'),
    'b/b.cue': 'package b\n\nx: nowhere\n',
  });
  const reference = at('test.example/broken', 'v0.1.0');
  registry.forget();
  const refused = await pequod(['push', source('broken'), reference, ...flags()]);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(new RegExp(`^${source('broken')}/b/b\\.cue:3:4: error: .*nowhere`));
  expect(registry.requests()).toEqual([]);
  expect(await pushed('broken', reference, '--no-check')).toContain('@sha256:');
});

test.each<readonly [string, readonly string[], number, string]>([
  ['a folder that is no module', ['push', '.', 'oci://r.example/a:v1.0.0'], 1, 'make one with "cue mod init'],
  ['no folder', ['push', 'nowhere', 'oci://r.example/a:v1.0.0'], 1, 'there is no folder nowhere'],
  ['no tag', ['push', '.', 'oci://r.example/a'], 2, 'a push needs a tag, and no digest'],
  ['no reference', ['push', '.', 'r.example/a:v1'], 2, 'a reference begins with oci://'],
  ['a pull of everything', ['pull', 'oci://r.example/a', 'x'], 2, 'a pull needs a tag or a digest'],
  ['a name without a password', ['pull', 'oci://r.example/a:v1', 'x', '-u', 'me'], 2, 'belong together'],
  [
    'an empty password',
    ['pull', 'oci://r.example/a:v1', 'x', '-u', 'me', '--password-stdin'],
    2,
    'standard input is empty',
  ],
  [
    'no file of authorities',
    ['pull', 'oci://r.example/a:v1', 'x', '--ca-file', 'none.pem'],
    2,
    '--ca-file none.pem',
  ],
])('%s is said so', async (_what, args, exitCode, said) => {
  const ended = await pequod(args, { cwd: folder });
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(ended.stderr).toContain(said);
});

test('a folder with something in it is left alone, unless its files are to be replaced', async () => {
  const reference = await pushed('web', at('test.example/web', 'v1.2.0'));
  const target = join(folder, 'mine');
  await pequod(['pull', reference, target, ...flags()]);
  await writeFile(join(target, 'web.cue'), 'package mine\n');
  await writeFile(join(target, 'notes.txt'), 'mine\n');
  const refused = await pequod(['pull', reference, target, ...flags()]);
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not empty') });
  expect(await readFile(join(target, 'web.cue'), 'utf8')).toBe('package mine\n');
  expect(await pequod(['pull', reference, target, ...flags(), '--force'])).toMatchObject({ exitCode: 0 });
  expect(await readFile(join(target, 'web.cue'), 'utf8')).toContain('package web');
  expect(await readFile(join(target, 'notes.txt'), 'utf8')).toBe('mine\n');
});

test(
  'logins are given, or those of Docker, for exactly their host; passwords are never said',
  async () => {
    const caFile = guarded.caFile ?? '';
    const reference = `oci://${guarded.host}/test.example/web:v1.0.0`;
    const push = ['push', source('web'), reference, '--ca-file', caFile, '--no-check'];
    const config = await mkdtemp(join(tmpdir(), 'docker-config-'));
    onTestFinished(() => rm(config, { recursive: true }));
    const withConfig = async (content: unknown): Promise<ProgramResult> => {
      await writeFile(join(config, 'config.json'), JSON.stringify(content));
      return await pequod(push, { env: { DOCKER_CONFIG: config } });
    };
    const auth = (password: string): string =>
      Buffer.from(`${publisher.username}:${password}`).toString('base64');

    const anonymous = await pequod(push, { env: { DOCKER_CONFIG: config } });
    expect(anonymous).toMatchObject({ exitCode: 1, stdout: '' });
    expect(anonymous.stderr).toContain('give --username and --password-stdin, or log in with docker login');
    const wrong = await pequod([...push, '-u', publisher.username, '--password-stdin'], {
      stdin: `${CANARY}\n`,
    });
    expect(wrong).toMatchObject({ exitCode: 1, stdout: '' });
    const elsewhere = await withConfig({ auths: { 'r.example': { auth: auth(publisher.password) } } });
    expect(elsewhere.exitCode).toBe(1);
    const refused = await withConfig({ auths: { [guarded.host]: { auth: auth(CANARY) } } });
    expect(refused.exitCode).toBe(1);
    const helper = await withConfig({ auths: { [guarded.host]: {} }, credsStore: 'desktop' });
    expect(helper.stderr).toContain('leaves logins to a credential helper, which is not run');
    const broken = await withConfig(CANARY);
    expect(broken.stderr).toContain('config.json is no JSON with auths');
    for (const { stderr } of [wrong, refused, broken]) expect(stderr).not.toContain(CANARY);

    const given = await pequod([...push, '-u', publisher.username, '--password-stdin'], {
      stdin: `${publisher.password}\n`,
    });
    expect(given.stderr).not.toContain('error');
    expect(given.exitCode).toBe(0);
    const kept = await withConfig({ auths: { [guarded.host]: { auth: auth(publisher.password) } } });
    expect(kept).toMatchObject({ exitCode: 0, stdout: given.stdout });
  },
  SLOW_MS,
);

test('an interrupt in the middle of a pull leaves nothing', async () => {
  const server = await startScriptedServer(() => new Promise(() => undefined));
  onTestFinished(() => server.stop());
  const parent = await mkdtemp(join(tmpdir(), 'interrupted-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const args = ['pull', `oci://${server.host}/a:v1`, join(parent, 'a'), '--plain-http'];
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await expect.poll(() => server.requests().length, { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(await readdir(parent)).toEqual([]);
  await expect(stat(join(parent, 'a'))).rejects.toThrow('ENOENT');
});
