// The client against the registry that is run everywhere, in the ways that it is run: open, behind a password, behind a
// token server, with and without TLS.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import {
  digestOf,
  highestTag,
  type OciReference,
  parseOciReference,
  type RegistryAccess,
  RegistryClient,
  type RegistryClientOptions,
} from '../../../src/registry/index.ts';
import {
  ACCOUNTS,
  createTestAuthority,
  type Registry,
  runOrasTool,
  startRegistry,
  startTokenServer,
} from '../../servers/index.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const EMPTY = Buffer.from('{}');
const LAYER = Buffer.from('package app\n');
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const clients: RegistryClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function clientFor(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = new RegistryClient({ guard: new EgressGuard({ allow: ['127.0.0.1'] }), ...options });
  clients.push(client);
  return client;
}

function plain({ host }: Registry): Partial<RegistryClientOptions> {
  return { plainHttpHosts: [host] };
}

function at({ host }: Registry, rest: string): OciReference {
  return parseOciReference(`oci://${host}/${rest}`);
}

/** Pushes an artefact of one layer, and returns its digest. */
async function push(
  client: RegistryClient,
  reference: OciReference,
  access: RegistryAccess = {},
  more: object = {},
): Promise<string> {
  for (const bytes of [EMPTY, LAYER]) await client.pushBlob(reference, bytes, access, signal());
  const describe = (bytes: Buffer, mediaType: string): object => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const config = describe(EMPTY, 'application/vnd.oci.empty.v1+json');
  const layers = [describe(LAYER, 'application/vnd.cue.module.v1.file')];
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: 'x/y',
    config,
    layers,
    ...more,
  };
  const body = Buffer.from(JSON.stringify(manifest));
  return await client.pushManifest(reference, { mediaType: MANIFEST_TYPE, body }, access, signal());
}

async function pull(client: RegistryClient, reference: OciReference, access: RegistryAccess = {}) {
  const manifest = await client.resolve(reference, access, signal());
  const [layer] = manifest.value.layers;
  if (layer === undefined) throw new Error('there is no layer');
  const bytes = await client.blob(reference, layer, access, signal());
  return { digest: manifest.digest, text: Buffer.from(bytes).toString() };
}

test('what was pushed is pulled, by tag and digest, with one request each', async () => {
  await using registry = await startRegistry();
  const client = clientFor(plain(registry));
  const digest = await push(client, at(registry, 'team/app:v1.0.0'));
  registry.forget();
  for (const name of [':v1.0.0', `@${digest}`])
    expect(await pull(client, at(registry, `team/app${name}`))).toEqual({ digest, text: 'package app\n' });
  expect(registry.counts()).toEqual({ 'GET manifest': 2, 'GET blob': 2 });
  registry.forget();
  expect(await client.digest(at(registry, 'team/app:v1.0.0'), {}, signal())).toBe(digest);
  expect(registry.counts()).toEqual({ 'HEAD manifest': 1 });
});

test('what another client pushed is pulled', async () => {
  await using registry = await startRegistry();
  const folder = await mkdtemp(join(tmpdir(), 'registry-client-'));
  try {
    await writeFile(join(folder, 'app.cue'), 'package app\n');
    const args = ['push', '--plain-http', '--directory', folder, `${registry.host}/team/app:v1`, 'app.cue'];
    expect((await runOrasTool(args)).exitCode).toBe(0);
    const pulled = await pull(clientFor(plain(registry)), at(registry, 'team/app:v1'));
    expect(pulled.text).toBe('package app\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('tags are listed, and a range means the highest of them', async () => {
  await using registry = await startRegistry();
  const client = clientFor(plain(registry));
  const names = ['v1.2.0', '1.10.0', '2.0.0-rc.1', 'latest'];
  for (const name of names) await push(client, at(registry, `team/app:${name}`));
  const tags = await client.tags(at(registry, 'team/app'), {}, signal());
  expect([...tags].sort()).toEqual([...names].sort());
  expect(highestTag(tags, '>=1 <2')).toBe('1.10.0');
  await expect(client.tags(at(registry, 'team/none'), {}, signal())).rejects.toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    message: expect.stringContaining('no such repository'),
  });
});

test('what was deleted, or never was, is not found', async () => {
  await using registry = await startRegistry();
  const client = clientFor(plain(registry));
  const digest = await push(client, at(registry, 'team/app:v1'));
  const deleted = await fetch(`${registry.url}/v2/team/app/manifests/${digest}`, { method: 'DELETE' });
  expect(deleted.status).toBe(202);
  for (const name of [':v1', `@${digest}`, ':v2'])
    await expect(client.resolve(at(registry, `team/app${name}`), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('MANIFEST_UNKNOWN'),
    });
  const missing = { digest: digestOf(Buffer.from('missing')), size: 7 };
  await expect(client.blob(at(registry, 'team/app:v1'), missing, {}, signal())).rejects.toMatchObject({
    code: 'SOURCE_NOT_FOUND',
  });
});

test('what is about an artefact is listed, also by a registry that keeps no list', async () => {
  await using registry = await startRegistry();
  const client = clientFor(plain(registry));
  const app = at(registry, 'team/app');
  const digest = await push(client, at(registry, 'team/app:v1'));
  expect(await client.referrers(app, { digest }, {}, signal())).toEqual([]);
  const { body } = await client.resolve(at(registry, 'team/app:v1'), {}, signal());
  const subject = { mediaType: MANIFEST_TYPE, digest, size: body.length };
  const first = await push(client, app, {}, { subject, artifactType: 'sig/one' });
  const second = await push(client, app, {}, { subject, artifactType: 'sig/two' });
  const all = await client.referrers(app, { digest }, {}, signal());
  expect(all.map((one) => one.digest)).toEqual([first, second]);
  const some = await client.referrers(app, { digest, artifactType: 'sig/two' }, {}, signal());
  expect(some.map((one) => one.digest)).toEqual([second]);
});

test('TLS is of the authority that was given', async () => {
  const tls = createTestAuthority();
  await using registry = await startRegistry({ tls });
  const client = clientFor();
  const access = { tls: { ca: tls.caPem } };
  const digest = await push(client, at(registry, 'team/app:v1'), access);
  expect(await pull(client, at(registry, 'team/app:v1'), access)).toMatchObject({ digest });
  const strangers = [{}, { tls: { ca: createTestAuthority().caPem } }];
  for (const other of strangers)
    await expect(pull(client, at(registry, 'team/app:v1'), other)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('certSecretRef'),
    });
});

test('a password is asked for once', async () => {
  await using registry = await startRegistry({ auth: 'basic' });
  const client = clientFor(plain(registry));
  const publisher = { credentials: ACCOUNTS.publisher };
  await push(client, at(registry, 'team/app:v1'), publisher);
  registry.forget();
  const reader = { credentials: ACCOUNTS.reader };
  for (let times = 0; times < 3; times += 1) await pull(client, at(registry, 'team/app:v1'), reader);
  expect(registry.counts()).toEqual({ challenge: 1, 'GET manifest': 3, 'GET blob': 3 });
  const wrong = { credentials: { username: 'reader', password: 'canary' } };
  for (const access of [{}, wrong]) {
    const error: unknown = await pull(client, at(registry, 'team/app:v1'), access).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'SOURCE_AUTH' });
    expect(String(error)).not.toContain('canary');
  }
});

test('a token is had from the server that belongs to the registry, and kept', async () => {
  const reader = { username: 'reader', password: 'second', grants: { 'team/app': ['pull'] } } as const;
  const publisher = { ...reader, username: 'publisher', grants: { 'team/*': ['pull', 'push'] } } as const;
  await using tokens = await startTokenServer({
    users: [reader, publisher],
    publicRepositories: ['team/open'],
  });
  await using registry = await startRegistry({ auth: tokens.issuer });
  const plainHttpHosts = [registry.host, tokens.host];
  const client = clientFor({
    plainHttpHosts,
    trustedRealms: [{ registry: registry.host, realm: tokens.host }],
  });
  await push(client, at(registry, 'team/app:v1'), { credentials: publisher });
  await push(client, at(registry, 'team/open:v1'), { credentials: publisher });
  tokens.forget();
  for (let times = 0; times < 3; times += 1)
    await pull(client, at(registry, 'team/app:v1'), { credentials: reader });
  expect(tokens.requests()).toMatchObject([{ username: 'reader', scopes: ['repository:team/app:pull'] }]);
  expect(await pull(client, at(registry, 'team/open:v1'))).toMatchObject({ text: 'package app\n' });
  const refused: readonly (readonly [string, RegistryAccess])[] = [
    ['team/app:v1', {}],
    ['team/open:v1', { credentials: { username: 'reader', password: 'canary' } }],
    ['team/other:v1', { credentials: reader }],
  ];
  for (const [rest, access] of refused)
    await expect(pull(client, at(registry, rest), access), rest).rejects.toMatchObject({
      code: 'SOURCE_AUTH',
    });
  tokens.forget();
  await expect(
    pull(clientFor({ plainHttpHosts }), at(registry, 'team/app:v1'), { credentials: reader }),
  ).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    message: expect.stringContaining(`--registry-realm ${registry.host}=${tokens.host}`),
  });
  expect(tokens.requests()).toEqual([]);
});

test('a registry that is away is unavailable, and is asked again when it is back', async () => {
  await using registry = await startRegistry();
  const client = clientFor(plain(registry));
  await push(client, at(registry, 'team/app:v1'));
  await registry.takeDown();
  await expect(pull(client, at(registry, 'team/app:v1'))).rejects.toMatchObject({
    code: 'SOURCE_UNAVAILABLE',
    message: expect.stringContaining('refuses connections'),
  });
  await registry.bringBack();
  expect(await pull(client, at(registry, 'team/app:v1'))).toMatchObject({ text: 'package app\n' });
});
