// Who is told who asks. A canary is the password: it reaches the registry's own host and its token server, and nobody else.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, describe as group, it } from 'vitest';
import { EgressGuard, type ResolvedAddress } from '../../../src/egress/index.ts';
import type { RegistryAccess } from '../../../src/registry/index.ts';
import type { ScriptedServer } from '../../servers/index.ts';
import {
  type Answer,
  authority,
  authorizations,
  clientFor,
  MANIFEST_TYPE,
  manifestOf,
  redirect,
  referenceTo,
  send,
  signal,
  startScripted,
  status,
} from './scripted-registry.ts';

const CANARY = 'canary-password';
const access: RegistryAccess = { credentials: { username: 'me', password: CANARY } };
const BASIC = `Basic ${Buffer.from(`me:${CANARY}`).toString('base64')}`;
const manifest = send(MANIFEST_TYPE, manifestOf([]));
const PATH = '/v2/a/manifests/v1';

/** Answers with `answer` to whoever is logged in, and to others with a challenge. */
function guarded(
  challenge: () => string,
  isLoggedIn: (header: string) => boolean,
  answer: Answer = manifest,
): Answer {
  return (response, request) => {
    if (isLoggedIn(request.headers.authorization ?? '')) return answer(response, request);
    response.writeHead(401, { 'www-authenticate': challenge() }).end();
  };
}

const bearer = (header: string): boolean => header === 'Bearer good';
const token = (more: object = {}): Answer =>
  send('application/json', JSON.stringify({ token: 'good', ...more }));

/** A registry that sends its clients to `realm` for tokens. */
function tokenRegistry(
  realm: () => string,
  routes: Readonly<Record<string, Answer>> = {},
): Promise<ScriptedServer> {
  const challenge = (): string => `Bearer realm="${realm()}",service="s",scope="repository:a:pull"`;
  return startScripted({ [PATH]: guarded(challenge, bearer), ...routes });
}

async function failure(asked: Promise<unknown>): Promise<Error> {
  const error = await asked.then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('no error was thrown');
  expect(error.message).not.toContain(CANARY);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(CANARY);
  return error;
}

group('a password', () => {
  it('is sent where it is asked for, and then at once', async () => {
    const server = await startScripted({
      [PATH]: guarded(
        () => 'Basic realm="x"',
        (header) => header === BASIC,
      ),
    });
    const client = clientFor([server]);
    for (let times = 0; times < 3; times += 1) await client.resolve(referenceTo(server), access, signal());
    expect(authorizations(server)).toEqual([undefined, BASIC, BASIC, BASIC]);
    await expect(client.resolve(referenceTo(server), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_AUTH',
      message: expect.stringContaining('wants credentials, and there are none for it'),
    });
    expect(authorizations(server).at(-1)).toBeUndefined();
  });

  it('is not sent where nobody asks for it', async () => {
    const server = await startScripted({ [PATH]: manifest });
    await clientFor([server]).resolve(referenceTo(server), access, signal());
    expect(authorizations(server)).toEqual([undefined]);
  });

  it('that is wrong is tried once', async () => {
    const server = await startScripted({
      [PATH]: guarded(
        () => 'Basic',
        () => false,
      ),
    });
    const error = await failure(clientFor([server]).resolve(referenceTo(server), access, signal()));
    expect(error).toMatchObject({ code: 'SOURCE_AUTH' });
    expect(server.requests()).toHaveLength(2);
  });

  it.each(['', 'Negotiate', '"garbage', 'Digest realm="x"'])(
    'is not sent for the challenge %j',
    async (challenge) => {
      const server = await startScripted({ [PATH]: status(401, '', { 'www-authenticate': challenge }) });
      const error = await failure(clientFor([server]).resolve(referenceTo(server), access, signal()));
      expect(error).toMatchObject({ code: 'SOURCE_AUTH' });
      expect(authorizations(server)).toEqual([undefined]);
    },
  );
});

group('a token', () => {
  it('is had with or without a password, and kept while it holds', async () => {
    let now = 1_000_000;
    const server: ScriptedServer = await tokenRegistry(() => `${server.url}/token`, { '/token': token() });
    const client = clientFor([server], { now: () => now });
    const asked = (): readonly string[] => server.requests().map(({ url }) => url);
    const query = 'service=s&scope=repository%3Aa%3Apull';
    for (const who of [{}, access]) {
      await client.resolve(referenceTo(server), who, signal());
      await client.resolve(referenceTo(server), who, signal());
      expect(asked()).toEqual([PATH, `/token?${query}`, PATH, PATH]);
      const sent = who.credentials === undefined ? undefined : BASIC;
      expect(authorizations(server)).toEqual([undefined, sent, 'Bearer good', 'Bearer good']);
      server.forget();
    }
    now += 61_000;
    await client.resolve(referenceTo(server), access, signal());
    expect(asked()).toEqual([PATH, `/token?${query}`, PATH]);
  });

  it('that was taken back is had anew, once', async () => {
    let isGood = true;
    const server: ScriptedServer = await startScripted({
      [PATH]: guarded(
        () => `Bearer realm="${server.url}/token"`,
        (header) => isGood && bearer(header),
      ),
      '/token': (response, request) => {
        isGood = true;
        return token({ expires_in: 300 })(response, request);
      },
    });
    const client = clientFor([server]);
    await client.resolve(referenceTo(server), access, signal());
    isGood = false;
    await client.resolve(referenceTo(server), access, signal());
    expect(server.requests().filter(({ url }) => url.startsWith('/token'))).toHaveLength(2);
    expect(server.requests().at(-2)?.url).toContain('scope=repository%3Aa%3Apull');
  });

  it('is not had with a password from another host, however much it looks like the registry', async () => {
    const other = await startScripted({ '/token': token() });
    const lookAlikes = [
      () => `${other.url}/token`,
      () => `http://localhost:${other.port}/token`,
      () => `https://registry.example.evil/token`,
      () => `https://127.0.0.1.evil.test/token`,
    ];
    for (const realm of lookAlikes) {
      const server = await tokenRegistry(realm);
      const client = clientFor([server, other], { plainHttpHosts: [server.host, other.host, 'localhost'] });
      const error = await failure(client.resolve(referenceTo(server), access, signal()));
      const host = new URL(realm()).host;
      expect(error).toMatchObject({ code: 'SOURCE_REFUSED' });
      expect(error.message).toContain(`--registry-realm ${server.host}=${host}`);
    }
    expect(other.requests()).toEqual([]);
  });

  it('is had from another host where an administrator says so, or where nothing is told', async () => {
    const other = await startScripted({ '/token': token() });
    const server = await tokenRegistry(() => `${other.url}/token`);
    const realms = { trustedRealms: [{ registry: server.host, realm: other.host }] };
    await clientFor([server, other], realms).resolve(referenceTo(server), access, signal());
    await clientFor([server, other]).resolve(referenceTo(server), {}, signal());
    expect(authorizations(other)).toEqual([BASIC, undefined]);
  });

  it('is not had over plain http for a registry of https, nor for one whose realm is not listed', async () => {
    const other = await startScripted({ '/token': token() });
    const secure = await startScripted(
      { [PATH]: guarded(() => `Bearer realm="${other.url}/token"`, bearer) },
      { isSecure: true },
    );
    const tls = { ca: authority.caPem };
    const error = await failure(
      clientFor([other]).resolve(referenceTo(secure), { ...access, tls }, signal()),
    );
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining('plain http') });
    const server = await tokenRegistry(() => `${other.url}/token`);
    await expect(clientFor([server]).resolve(referenceTo(server), {}, signal())).rejects.toThrow(
      'plain http',
    );
    expect(other.requests()).toEqual([]);
  });

  it.each<[string, Answer, string]>([
    ['is huge', token({ token: 'x'.repeat(20_000) }), 'SOURCE_UNAVAILABLE'],
    ['is in an endless answer', send('application/json', ' '.repeat(100_000)), 'SOURCE_TOO_LARGE'],
    ['would be two headers', token({ token: 'a\r\nx-evil: 1' }), 'SOURCE_UNAVAILABLE'],
    ['is no text', token({ token: 7 }), 'SOURCE_UNAVAILABLE'],
    ['is missing', send('application/json', '[]'), 'SOURCE_UNAVAILABLE'],
    ['is in no JSON', send('application/json', '<html>'), 'SOURCE_UNAVAILABLE'],
    ['is somewhere else', redirect(() => '/elsewhere'), 'SOURCE_REFUSED'],
    ['is refused', status(401, `{"errors":[{"code":"${CANARY}"}]}`), 'SOURCE_AUTH'],
    ['is not to be had now', status(503, '', { 'retry-after': '120' }), 'SOURCE_UNAVAILABLE'],
  ])('that %s is not taken', async (_what, answer, code) => {
    const elsewhere = token();
    const server: ScriptedServer = await tokenRegistry(() => `${server.url}/token`, {
      '/token': answer,
      '/elsewhere': elsewhere,
    });
    const error = await failure(clientFor([server]).resolve(referenceTo(server), access, signal()));
    expect(error).toMatchObject({ code });
    expect(server.requests().some(({ url }) => url.startsWith('/elsewhere'))).toBe(false);
  });

  it.each(['', 'nonsense', 'file:///etc/passwd', 'ftp://x/', 'http://user:pass@127.0.0.1/'])(
    'is not asked of the realm %j',
    async (realm) => {
      const server = await tokenRegistry(() => realm);
      const error = await failure(clientFor([server]).resolve(referenceTo(server), access, signal()));
      expect(error.message).toContain("whose address can't be read");
    },
  );

  it("of one is not another's, nor for another repository", async () => {
    const server: ScriptedServer = await startScripted({
      [PATH]: guarded(() => `Bearer realm="${server.url}/token"`, bearer),
      '/v2/b/manifests/v1': guarded(() => `Bearer realm="${server.url}/token"`, bearer),
      '/token': token({ expires_in: 3_600 }),
    });
    const client = clientFor([server]);
    const others = { credentials: { username: 'other', password: 'else' } };
    for (const who of [access, others, {}, access]) await client.resolve(referenceTo(server), who, signal());
    await client.resolve(referenceTo(server, 'b:v1'), access, signal());
    expect(server.requests().filter(({ url }) => url.startsWith('/token'))).toHaveLength(4);
  });
});

group('a redirect', () => {
  const loggedIn = (answer: Answer): Answer =>
    guarded(
      () => 'Basic',
      (header) => header === BASIC,
      answer,
    );

  it('to another host is followed without a word of who asks, and back again, too', async () => {
    const server: ScriptedServer = await startScripted({
      [PATH]: loggedIn(redirect(() => `${other.url}/storage?signature=1`)),
      '/back': manifest,
    });
    const other = await startScripted({ '/storage': redirect(() => `${server.url}/back`) });
    await clientFor([server, other]).resolve(referenceTo(server), access, signal());
    expect(authorizations(other)).toEqual([undefined]);
    expect(authorizations(server)).toEqual([undefined, BASIC, undefined]);
  });

  it('on the same host keeps the login', async () => {
    const server = await startScripted({
      [PATH]: loggedIn(redirect(() => '/moved')),
      '/moved': loggedIn(manifest),
    });
    await clientFor([server]).resolve(referenceTo(server), access, signal());
    expect(authorizations(server)).toEqual([undefined, BASIC, BASIC]);
  });

  it('to a host that asks for a login gets none', async () => {
    const other = await startScripted({ '/x': status(401, '', { 'www-authenticate': 'Basic' }) });
    const server = await startScripted({ [PATH]: loggedIn(redirect(() => `${other.url}/x`)) });
    const error = await failure(clientFor([server, other]).resolve(referenceTo(server), access, signal()));
    expect(error).toMatchObject({ code: 'SOURCE_AUTH' });
    expect(authorizations(other)).toEqual([undefined]);
  });

  it('that leads on and on is followed five times', async () => {
    const server = await startScripted({ [PATH]: redirect(() => PATH) });
    const error = await failure(clientFor([server]).resolve(referenceTo(server), {}, signal()));
    expect(error.message).toContain('redirects more than 5 times');
    expect(server.requests()).toHaveLength(6);
  });

  it.each([
    ['http://10.0.0.1/x', 'plain http of 10.0.0.1'],
    ['http://169.254.169.254/latest/meta-data', 'plain http of 169.254.169.254'],
    ['https://10.0.0.1/x', '10.0.0.1 is a private address'],
    ['https://10.96.0.1/', '10.96.0.1 is a private address'],
    ['https://0300.0250.1.1/', '192.168.1.1 is a private address'],
    ['https://[fd12:3456::1]/', 'is a private address'],
    ['https://127.0.0.2:6443/', '127.0.0.2 is a loopback address'],
    ['https://0x7f.2/', '127.0.0.2 is a loopback address'],
    ['https://[::1]/', '::1 is a loopback address'],
    ['https://0.0.0.0/', 'which is never called'],
    ['https://[fd00:ec2::254]/x', 'which is never called'],
    ['https://169.254.169.254/latest', 'which is never called'],
    ['https://[::ffff:169.254.169.254]/', 'which is never called'],
    ['https://2852039166/', 'which is never called'],
    ['https://kubernetes.default/', '10.96.0.1) is a private address'],
    ['https://rebind.test/', '10.0.0.1) is a private address'],
  ])('to %s is refused, and opens no connection there', async (location, message) => {
    const server = await startScripted({ [PATH]: redirect(() => location) });
    const resolve = async (host: string): Promise<readonly ResolvedAddress[]> => [
      { address: host.startsWith('kubernetes') ? '10.96.0.1' : '10.0.0.1', family: 4 },
    ];
    const client = clientFor([server], { guard: new EgressGuard({ allow: ['127.0.0.1'], resolve }) });
    let opened = 0;
    const count = (): void => {
      opened += 1;
    };
    subscribe('net.client.socket', count);
    const error = await failure(client.resolve(referenceTo(server), access, signal()));
    unsubscribe('net.client.socket', count);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining(message) });
    expect(opened, 'that to the registry').toBe(1);
  });

  it.each(['file:///etc/passwd', 'https://user:pass@127.0.0.1/', 'https://', 'gopher://x/'])(
    'to %s leads nowhere',
    async (location) => {
      const server = await startScripted({ [PATH]: redirect(() => location) });
      const error = await failure(clientFor([server]).resolve(referenceTo(server), access, signal()));
      expect(error.message).toContain('no address of http or https');
    },
  );

  it('from https to plain http is refused, and tells nobody', async () => {
    const other = await startScripted({ '/x': manifest });
    const server = await startScripted({ [PATH]: redirect(() => `${other.url}/x`) }, { isSecure: true });
    const tls = { ca: authority.caPem };
    const error = await failure(clientFor([other]).resolve(referenceTo(server), { tls }, signal()));
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(other.requests()).toEqual([]);
  });

  it('to storage of the same private authority is followed', async () => {
    const other = await startScripted({ '/x': manifest }, { isSecure: true });
    const server = await startScripted({ [PATH]: redirect(() => `${other.url}/x`) }, { isSecure: true });
    const found = clientFor([]).resolve(referenceTo(server), { tls: { ca: authority.caPem } }, signal());
    await expect(found).resolves.toMatchObject({ mediaType: MANIFEST_TYPE });
  });
});
