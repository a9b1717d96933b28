import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../test/control-plane/certificates.ts';
import type { CueRef, KubeObject } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import { gitAccess, registryLogin } from './credentials.ts';
import { clusterlessContext, type SourceContext } from './module-source.ts';

const signal = new AbortController().signal;

/** What must be in no message. */
const CANARY = 'c4n4ry-s3cret';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const login = (user: string, password: string): { readonly auth: string } => ({
  auth: base64(`${user}:${password}`),
});
const dockerConfig = (auths: object, more: object = {}): Readonly<Record<string, string>> => ({
  '.dockerconfigjson': JSON.stringify({ auths, ...more }),
});

/** The namespace shop with one Secret, `login`. */
function shop(data: Readonly<Record<string, string>>, hosts?: string): SourceContext {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'login',
      ...(hosts === undefined ? {} : { annotations: { 'pequod.io/hosts': hosts } }),
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  };
  return clusterlessContext('shop', {
    secrets: {
      readSecret: async (namespace, name) => (namespace === 'shop' && name === 'login' ? secret : undefined),
    },
  });
}

const chosen = (context: SourceContext, place: string, ref: Partial<CueRef> = {}) => {
  const [host = '', ...path] = place.split('/');
  const withSecret: CueRef = { type: 'oci', ref: '-', pullSecretRef: { name: 'login' }, ...ref };
  return registryLogin(withSecret, { host, repository: path.join('/') }, context, signal);
};

const registry = async (...question: Parameters<typeof chosen>) => (await chosen(...question)).access;

const git = (context: SourceContext, host: string, transport: 'https' | 'ssh', ref: Partial<CueRef> = {}) =>
  gitAccess(
    { type: 'git', ref: '-', pullSecretRef: { name: 'login' }, ...ref },
    { host, transport },
    context,
    signal,
  );

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, got ${String(error)}`);
  expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain(CANARY);
  return error;
}

describe('logins of registries', () => {
  const auths = {
    'ghcr.io': login('host', 'a'),
    'ghcr.io/acme': login('acme', 'b'),
    'ghcr.io/acme/platforms': login('platforms', 'c:with:colons'),
    'https://index.docker.io/v1/': login('hub', 'd'),
    'https://registry.example:5000/v2/': { username: 'plain', password: 'e' },
  };

  it.each([
    ['ghcr.io/other/thing', 'host', 'a'],
    ['ghcr.io/acme/web', 'acme', 'b'],
    ['ghcr.io/acme', 'acme', 'b'],
    ['ghcr.io/acme-corp/web', 'host', 'a'],
    ['ghcr.io/acme/platforms/db', 'platforms', 'c:with:colons'],
    ['ghcr.io/acme/platformsx', 'acme', 'b'],
    ['docker.io/library/busybox', 'hub', 'd'],
    ['registry-1.docker.io/library/busybox', 'hub', 'd'],
    ['registry.example:5000/a/b', 'plain', 'e'],
  ])('for %s are those of %s', async (place, username, password) => {
    const access = await registry(shop(dockerConfig(auths)), place);
    expect(access).toEqual({ credentials: { username, password } });
  });

  it.each([
    'ghcr.io.evil.example/acme/web',
    'evil-ghcr.io/acme/web',
    'ghcr.io:5000/acme/web',
    'registry.example/a/b',
    'io/acme',
  ])('are not given to %s, which is asked without any', async (place) => {
    expect(await chosen(shop(dockerConfig(auths)), place)).toEqual({
      access: {},
      missing: `Secret shop/login has no login for ${place}: it has those for ${Object.keys(auths).sort().join(', ')}`,
    });
  });

  it('name their entries, but none that holds more than a place', async () => {
    const odd = { ...auths, [`https://me:${CANARY}@r.example/`]: login('me', 'x') };
    const { missing } = await chosen(shop(dockerConfig(odd)), 'r.example/web');
    expect(missing).toContain('it has those for ghcr.io, ghcr.io/acme');
    expect(missing).not.toContain(CANARY);
  });

  it.each([
    ['text', { '.dockerconfigjson': `{"auths": ${CANARY}` }, 'is no JSON with auths'],
    ['a list', { '.dockerconfigjson': `["${CANARY}"]` }, 'is no JSON with auths'],
    ['auths that are no object', { '.dockerconfigjson': `{"auths": "${CANARY}"}` }, 'is no JSON with auths'],
    ['an entry that is text', dockerConfig({ 'r.example': CANARY }), 'has no object in entry r.example'],
    [
      'an identity token',
      dockerConfig({ 'r.example': { ...login('00', ''), identitytoken: CANARY } }),
      'has an identity token in entry r.example: a user name and a password or token are taken',
    ],
    [
      'a helper',
      dockerConfig({ 'r.example': {} }, { credHelpers: { 'r.example': CANARY } }),
      'has no auth and no username and password in entry r.example; credential helpers are not run',
    ],
    [
      'no colon',
      dockerConfig({ 'r.example': { auth: base64(CANARY) } }),
      'has no auth and no username and password in entry r.example; credential helpers are not run',
    ],
    [
      'too much',
      dockerConfig({ 'r.example': login(CANARY, 'x'.repeat(70_000)) }),
      'has too long a login in entry r.example',
    ],
  ])('that are %s are refused', async (_what, data, problem) => {
    const error = await failure(registry(shop(data), 'r.example/a'));
    expect(error).toMatchObject({
      code: 'SOURCE_INVALID',
      message: `.dockerconfigjson of Secret shop/login ${problem}`,
    });
  });

  it('may be one user name and password, for the host of the reference', async () => {
    const access = await registry(shop({ username: 'me\n', password: 'secret\r\n' }), 'r.example/a');
    expect(access).toEqual({ credentials: { username: 'me', password: 'secret' } });
  });

  it.each([
    ['nothing', { token: CANARY }, 'has neither .dockerconfigjson nor username and password'],
    ['half of it', { username: CANARY }, 'has only one of username and password'],
  ])('with %s say what is missing', async (_what, data, problem) => {
    const error = await failure(registry(shop(data), 'r.example/a'));
    expect(error.message).toBe(`Secret shop/login ${problem}`);
  });

  it('of more than one line never get into a header', async () => {
    const data = { username: 'me', password: `${CANARY}\r\nX-Evil: 1` };
    expect((await failure(registry(shop(data), 'r.example/a'))).message).toBe(
      'password of Secret shop/login has more than one line',
    );
  });

  it('are not asked for where no Secret is named', async () => {
    const place = { host: 'r', repository: 'a' };
    expect(await registryLogin({ type: 'oci', ref: '-' }, place, shop({}), signal)).toEqual({ access: {} });
  });

  it('that are missing are named', async () => {
    const error = await failure(registry(shop({}), 'r.example/a', { pullSecretRef: { name: 'other' } }));
    expect(error).toMatchObject({
      code: 'SOURCE_AUTH',
      retry: 'backoff',
      message: 'there is no Secret shop/other (pullSecretRef)',
    });
  });

  it('hand on what the reader throws', async () => {
    const denied = new Error('secrets "login" is forbidden');
    const context = clusterlessContext('shop', { secrets: { readSecret: () => Promise.reject(denied) } });
    await expect(registry(context, 'r.example/a')).rejects.toBe(denied);
  });
});

describe('a Secret that binds itself to hosts', () => {
  const basic = { username: 'me', password: CANARY };

  it.each(['r.example:5000', 'R.Example:5000', 'registry-1.docker.io'])('is used for %s', async (host) => {
    const access = await registry(shop(basic, 'a.example, r.example:5000, docker.io'), `${host}/a`);
    expect(access.credentials?.username).toBe('me');
  });

  it.each(['r.example', 'b.a.example', 'a.example.evil.example', 'a.example:5000'])(
    'is not used for %s',
    async (host) => {
      const error = await failure(registry(shop(basic, 'a.example, r.example:5000'), `${host}/a`));
      expect(error).toMatchObject({
        code: 'SOURCE_REFUSED',
        message: `Secret shop/login is for a.example, r.example:5000 (pequod.io/hosts), and is not used for ${host}`,
      });
    },
  );

  it('is not used for another git server, nor as a certificate there', async () => {
    expect(await failure(git(shop(basic, 'a.example'), 'b.example', 'https'))).toMatchObject({
      code: 'SOURCE_REFUSED',
    });
    const asCertificate = { pullSecretRef: { name: 'none' }, certSecretRef: { name: 'login' } };
    expect(await failure(git(shop(basic, 'a.example'), 'b.example', 'https', asCertificate))).toMatchObject({
      code: 'SOURCE_REFUSED',
    });
  });

  it.each(['', 'a.example,', 'https://a.example', '*.example', 'a b'])(
    'must be readable: %j',
    async (hosts) => {
      const error = await failure(registry(shop(basic, hosts), 'a.example/a'));
      expect(error).toMatchObject({ code: 'SOURCE_INVALID' });
      expect(error.message).toContain('annotation pequod.io/hosts of Secret shop/login is no list');
    },
  );
});

describe('credentials of git servers', () => {
  const ssh = { identity: 'KEY', known_hosts: 'git.example ssh-ed25519 AAAA' };

  it.each([
    ['https', { username: 'me', password: 'secret' }, { type: 'basic', username: 'me', password: 'secret' }],
    ['https', { bearerToken: 'token\n', username: 'me' }, { type: 'bearer', token: 'token' }],
    ['ssh', ssh, { type: 'ssh', privateKey: 'KEY', knownHosts: ssh.known_hosts }],
    [
      'ssh',
      { ...ssh, password: 'phrase\n' },
      { type: 'ssh', privateKey: 'KEY', knownHosts: ssh.known_hosts, passphrase: 'phrase' },
    ],
    [
      'ssh',
      { 'ssh-privatekey': 'KEY', known_hosts: ssh.known_hosts },
      { type: 'ssh', privateKey: 'KEY', knownHosts: ssh.known_hosts },
    ],
  ] as const)('over %s are taken from %j', async (transport, data, credentials) => {
    expect(await git(shop(data), 'git.example', transport)).toEqual({ credentials });
  });

  it.each([
    ['https', { identity: CANARY }, 'has neither username and password nor bearerToken, which https takes'],
    ['https', { password: CANARY }, 'has only one of username and password'],
    ['ssh', { username: 'me', password: CANARY }, 'has neither identity nor ssh-privatekey, which ssh takes'],
    [
      'ssh',
      { identity: CANARY, known_hosts: ' \n' },
      'has no known_hosts: without it nobody knows whom the key is shown to',
    ],
  ] as const)('over %s are refused where they do not fit', async (transport, data, problem) => {
    const error = await failure(git(shop(data), 'git.example', transport));
    expect(error).toMatchObject({ code: 'SOURCE_INVALID', message: `Secret shop/login ${problem}` });
  });

  it('are text', async () => {
    const context = clusterlessContext('shop', {
      secrets: {
        readSecret: async () => ({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'login' },
          data: { bearerToken: '//8=' },
        }),
      },
    });
    expect((await failure(git(context, 'git.example', 'https'))).message).toBe(
      'bearerToken of Secret shop/login is no UTF-8 text',
    );
  });
});

describe('certificates', () => {
  const authority = createAuthority('test');
  const certificate = authority.certificate.trim();
  const privateKey = authority.key;
  const only: Partial<CueRef> = { certSecretRef: { name: 'login' } };
  const place = { host: 'r', repository: 'a' };
  const tlsOf = async (data: Readonly<Record<string, string>>) =>
    (await registryLogin({ type: 'oci', ref: '-', ...only }, place, shop(data), signal)).access;

  it('are taken as they are', async () => {
    expect(await tlsOf({ 'ca.crt': `# our own\n${certificate}\n` })).toEqual({ tls: { ca: certificate } });
    expect(await tlsOf({ 'tls.crt': certificate, 'tls.key': privateKey })).toEqual({
      tls: { cert: certificate, key: privateKey },
    });
  });

  it.each([
    ['no part', { 'ca.pem': CANARY }, 'Secret shop/login has neither ca.crt nor tls.crt and tls.key'],
    ['text', { 'ca.crt': CANARY }, 'ca.crt of Secret shop/login holds no certificate in PEM'],
    [
      'a broken certificate',
      { 'ca.crt': `-----BEGIN CERTIFICATE-----\n${base64(CANARY)}\n-----END CERTIFICATE-----` },
      "ca.crt of Secret shop/login holds a certificate that can't be read",
    ],
    [
      'a certificate alone',
      { 'tls.crt': certificate },
      'Secret shop/login has only one of tls.crt and tls.key',
    ],
    [
      'a broken key',
      { 'tls.crt': certificate, 'tls.key': CANARY },
      'tls.key of Secret shop/login is no private key in PEM without a passphrase',
    ],
  ])('with %s are refused', async (_what, data, message) => {
    expect(await failure(tlsOf(data))).toMatchObject({ code: 'SOURCE_INVALID', message });
  });

  it('that are missing are named', async () => {
    const ref: CueRef = { type: 'oci', ref: '-', certSecretRef: { name: 'none' } };
    const access = registryLogin(ref, place, shop({}), signal);
    expect((await failure(access)).message).toBe('there is no Secret shop/none (certSecretRef)');
  });
});
