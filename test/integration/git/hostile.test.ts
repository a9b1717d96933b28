// Servers that answer as no git server should. What matters is where credentials go, how much is read, and what is said.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { type GitAccess, GitClient, type GitLimits, parseGitReference } from '../../../src/git/index.ts';
import {
  createTestAuthority,
  type ScriptedHandler,
  type ScriptedServer,
  sendDrops,
  sendRaw,
  startGitHttpServer,
  startScriptedServer,
  type TestServer,
} from '../../servers/index.ts';

const ADVERT = { 'content-type': 'application/x-git-upload-pack-advertisement' } as const;
const RESULT = { 'content-type': 'application/x-git-upload-pack-result' } as const;
const COMMIT = 'a'.repeat(40);
const SECRET = 'canary-5d1e';
const ACCESS: GitAccess = { credentials: { type: 'basic', username: 'reader', password: SECRET } };

const line = (text: string): string => (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
const VERSION_2 = `${line('# service=git-upload-pack\n')}0000${line('version 2\n')}${line('ls-refs\n')}${line('fetch=shallow\n')}0000`;

const open: (TestServer | GitClient)[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await ('stop' in one ? one.stop() : one.close());
});

async function scripted(
  handler: ScriptedHandler,
  tls?: Parameters<typeof startScriptedServer>[1],
): Promise<ScriptedServer> {
  const server = await startScriptedServer(handler, tls);
  open.push(server);
  return server;
}

function clientOf(servers: readonly TestServer[], limits: Partial<GitLimits> = {}): GitClient {
  const client = new GitClient({
    guard: new EgressGuard({ allow: ['127.0.0.1'] }),
    plainHttpHosts: servers.map(({ host }) => host),
    limits: { resolveTimeoutMs: 5_000, fetchTimeoutMs: 5_000, ...limits },
  });
  open.push(client);
  return client;
}

/** What becomes of a look at `main` on a server that answers so. */
async function failureOf(
  handler: ScriptedHandler,
  access: GitAccess = {},
  limits: Partial<GitLimits> = {},
): Promise<Record<'code' | 'message' | 'retry', unknown>> {
  const server = await scripted(handler);
  const reference = parseGitReference(`${server.url}/a.git?ref=main`, { plainHttpHosts: [server.host] });
  const found: unknown = await clientOf([server], limits)
    .resolve(reference, access, AbortSignal.timeout(20_000))
    .catch((error: unknown) => error);
  if (!(found instanceof Error) || !('code' in found) || !('retry' in found)) throw found;
  expect(found.message).not.toContain('canary');
  return { code: found.code, message: found.message, retry: found.retry };
}

const status =
  (code: number, headers: Record<string, string> = {}): ScriptedHandler =>
  (_request, response) => {
    response.writeHead(code, headers).end('canary in a body');
  };
/** Answers the first question as version 2 does, and the second with this. */
const afterAdvert =
  (answer: (response: ServerResponse) => void): ScriptedHandler =>
  ({ method }, response) => {
    if (method === 'GET') response.writeHead(200, ADVERT).end(VERSION_2);
    else return answer(response);
  };

describe('an answer', () => {
  it.each([
    [401, {}, 'SOURCE_AUTH', 'or there is no such repository'],
    [403, {}, 'SOURCE_AUTH', 'or there is no such repository'],
    [404, {}, 'SOURCE_NOT_FOUND', 'it may be private'],
    [429, { 'retry-after': '7' }, 'SOURCE_UNAVAILABLE', "can't answer now"],
    [500, {}, 'SOURCE_UNAVAILABLE', "can't answer now"],
    [418, {}, 'SOURCE_INVALID', 'status 418'],
    [200, { 'content-type': 'text/html' }, 'SOURCE_INVALID', 'URL of a repository'],
  ])('with status %i', async (code, headers, error, words) => {
    const failure = await failureOf(status(code, headers));
    expect(failure.code).toBe(error);
    expect(failure.message).toContain(words);
    if (code === 429) expect(failure.retry).toEqual({ afterMs: 7_000 });
  });

  it.each([
    ['no framing', 'this is no pkt-line', 'framing'],
    ['a line that is cut', '00ff# service', 'middle of a line'],
    ['a length of 3', '0003', 'impossible length'],
    ['a ref that is none', `${line('# service=git-upload-pack\n')}0000${line('nonsense\n')}0000`, 'none'],
    ['SHA-256', VERSION_2.replace(line('ls-refs\n'), line('object-format=sha256\n')), 'sha256'],
  ])('with %s', async (_what, body, words) => {
    const failure = await failureOf((_request, response) => void response.writeHead(200, ADVERT).end(body));
    expect(failure).toMatchObject({ code: 'SOURCE_INVALID', message: expect.stringContaining(words) });
  });

  it('that quotes the credentials is not quoted', async () => {
    const echo: ScriptedHandler = ({ method, headers }, response) => {
      const said = `ERR ${String(headers.authorization)} canary ${SECRET}\n`;
      if (method === 'GET') response.writeHead(200, ADVERT).end(VERSION_2);
      else response.writeHead(200, RESULT).end(line(said));
    };
    const failure = await failureOf(echo, ACCESS);
    expect(failure).toMatchObject({ code: 'SOURCE_UNAVAILABLE', message: expect.stringMatching(/gave up$/) });
    const open_ = await failureOf(
      afterAdvert((response) => response.writeHead(200, RESULT).end(line('ERR out of order\n'))),
    );
    expect(open_.message).toContain('out of order');
  });

  it('without an end is cut off', async () => {
    const failure = await failureOf(
      (_request, response) => {
        response.writeHead(200, ADVERT);
        const more = (): void => {
          while (response.write(line('x'.repeat(60_000))));
          response.once('drain', more);
        };
        more();
      },
      {},
      { maxRefBytes: 1_000_000 },
    );
    expect(failure).toMatchObject({ code: 'SOURCE_TOO_LARGE', message: expect.stringContaining('1000000') });
  });

  it('with too many refs is not read', async () => {
    const refs = Array.from({ length: 11 }, (_, at) => line(`${COMMIT} refs/heads/b${at}\n`)).join('');
    const many = afterAdvert((response) => response.writeHead(200, RESULT).end(`${refs}0000`));
    expect(await failureOf(many, {}, { maxRefs: 10 })).toMatchObject({ code: 'SOURCE_TOO_LARGE' });
    const old: ScriptedHandler = (_request, response) =>
      void response.writeHead(200, ADVERT).end(`${refs}0000`);
    expect(await failureOf(old, {}, { maxRefs: 10 })).toMatchObject({ code: 'SOURCE_TOO_LARGE' });
  });

  it('that drips is given up in time', async () => {
    const failure = await failureOf(
      async (_request, response) => {
        response.writeHead(200, ADVERT);
        await sendDrops(response, '0', 20);
      },
      {},
      { resolveTimeoutMs: 400 },
    );
    expect(failure).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('given up'),
    });
  });

  it('that is no HTTP, or none', async () => {
    expect(await failureOf((_request, response) => sendRaw(response, 'SSH-2.0-x\r\n'))).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    });
    expect(await failureOf((_request, response) => void response.destroy())).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    });
  });
});

describe('a pack', () => {
  const fetching = async (
    answer: (response: ServerResponse) => void,
    limits: Partial<GitLimits> = {},
  ): Promise<unknown> => {
    const server = await scripted(afterAdvert(answer));
    const reference = parseGitReference(`${server.url}/a.git`, { plainHttpHosts: [server.host] });
    return await clientOf([server], limits).fetch(reference, COMMIT, {}, AbortSignal.timeout(20_000));
  };
  const band = (bytes: string): string => line(`\x01${bytes}`);

  it('that is none is refused', async () => {
    const sent =
      (text: string) =>
      (response: ServerResponse): void =>
        void response.writeHead(200, RESULT).end(text);
    await expect(
      fetching(
        sent(`${line('packfile\n')}${band('PACK and then nonsense, more than thirty-two bytes of it')}0000`),
      ),
    ).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    await expect(fetching(sent('0000'))).rejects.toThrow('no pack');
    await expect(fetching(sent(`${line('packfile\n')}${line('\x03disk is full')}0000`))).rejects.toThrow(
      'disk is full',
    );
  });

  it('without an end is cut off', async () => {
    const DEFAULTS = {
      maxBytes: 500_000,
      maxObjects: 1_000,
      maxObjectBytes: 1_000_000,
      maxUnpackedBytes: 1_000_000,
      maxDepth: 50,
    };
    const endless = (response: ServerResponse): void => {
      response.writeHead(200, RESULT);
      response.write(line('packfile\n'));
      const more = (): void => {
        while (response.write(band('x'.repeat(60_000))));
        response.once('drain', more);
      };
      more();
    };
    await expect(fetching(endless, { maxPack: DEFAULTS })).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    });
  });
});

describe('large packs', () => {
  it('wait for each other, and hold up no small one', async () => {
    await using server = await startGitHttpServer();
    const bytes = randomBytes(9 * 1024 * 1024);
    const large = await server.createRepository('large', { 'bin/bytes': bytes, 'a/a.cue': 'package a\n' });
    const small = await server.createRepository('small', { 'a/a.cue': 'package a\n' });
    await large.git('config', 'uploadpack.allowFilter', 'false');
    const stuck = await scripted(
      afterAdvert(async (response) => {
        response.writeHead(200, RESULT);
        response.write(line('packfile\n'));
        for (let at = 0; at < 150; at++) response.write(line(`\x01${'x'.repeat(60_000)}`));
        await sendDrops(response, line('\x01x'), 50);
      }),
    );
    const client = clientOf([server, stuck], { maxWorkers: 1, fetchTimeoutMs: 20_000 });
    const fetching = async (url: string, commit: string, signal: AbortSignal): Promise<number> => {
      const reference = parseGitReference(url, { plainHttpHosts: [server.host, stuck.host] });
      return (await client.fetch(reference, commit, {}, signal)).size;
    };
    const controller = new AbortController();
    const first = fetching(`${stuck.url}/a.git`, COMMIT, controller.signal);
    await expect.poll(() => stuck.requests().length, { timeout: 10_000 }).toBe(2);
    const second = fetching(server.urlOf(large), await large.resolve('main'), AbortSignal.timeout(20_000));
    expect(
      await fetching(server.urlOf(small), await small.resolve('main'), AbortSignal.timeout(20_000)),
    ).toBe(1);
    controller.abort(new Error('given up'));
    await expect(first).rejects.toThrow('given up');
    expect(await second).toBe(1);
  });
});

describe('credentials', () => {
  const MODULE = { 'a.cue': 'package a\n' };

  it('follow a redirect on their own host', async () => {
    const server = await startGitHttpServer({
      readers: { accounts: [{ username: 'reader', password: SECRET }] },
    });
    open.push(server);
    const repository = await server.createRepository('moved', MODULE);
    server.intercept((request, response) => {
      if (request.url?.startsWith('/old.git/') !== true) return false;
      response.writeHead(301, { location: request.url.replace('/old.git', '/moved.git') }).end();
      return true;
    });
    const reference = parseGitReference(`${server.url}/old.git`, { plainHttpHosts: [server.host] });
    const client = clientOf([server]);
    const { commit } = await client.resolve(reference, ACCESS, AbortSignal.timeout(20_000));
    expect(commit).toBe(await repository.resolve('main'));
    expect((await client.fetch(reference, commit, ACCESS, AbortSignal.timeout(20_000))).size).toBe(1);
  });

  it('never go to another one', async () => {
    const authority = createTestAuthority();
    const other = await startGitHttpServer({ tls: authority });
    open.push(other);
    await other.createRepository('a', MODULE);
    const server = await scripted(
      ({ url }, response) => void response.writeHead(302, { location: `${other.url}${url}` }).end(),
      { tls: authority },
    );
    const access: GitAccess = { ...ACCESS, tls: { ca: authority.caPem } };
    const client = clientOf([]);
    const reference = parseGitReference(`${server.url}/a.git`);
    const { commit } = await client.resolve(reference, access, AbortSignal.timeout(20_000));
    await client.fetch(reference, commit, access, AbortSignal.timeout(20_000));
    expect(server.requests().every(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expect(other.requests().length).toBeGreaterThan(3);
    const seen = JSON.stringify(other.requests().map(({ headers, url }) => [headers, url]));
    expect(seen).not.toMatch(/authorization|canary/i);
    expect(seen).not.toContain(Buffer.from(`reader:${SECRET}`).toString('base64'));
  });

  it.each([
    ['to a place without TLS', (url: string) => `http://127.0.0.1:1${url}`, 'without TLS'],
    ['with credentials in it', (url: string) => `https://a:b@127.0.0.1:1${url}`, 'credentials in its URL'],
    ['to a file', () => 'file:///etc/passwd', 'no git repository'],
    ['to another service', () => '/a.git/info/refs?service=git-receive-pack', 'no git repository'],
    ['to a login page', () => '/login', 'no git repository'],
    ['in a circle', (url: string) => url, 'over 3 times'],
    ['to an address that is never called', (url: string) => `https://169.254.169.254${url}`, 'never called'],
  ])('are safe from a redirect %s', async (_what, location, words) => {
    const authority = createTestAuthority();
    const server = await scripted(
      ({ url }, response) => void response.writeHead(302, { location: location(url) }).end(),
      { tls: authority },
    );
    const reference = parseGitReference(`${server.url}/a.git`);
    const access: GitAccess = { ...ACCESS, tls: { ca: authority.caPem } };
    await expect(clientOf([]).check(reference, access, AbortSignal.timeout(20_000))).rejects.toThrow(words);
  });

  it('are not sent along when the second request is redirected', async () => {
    const other = await scripted(status(200));
    const server = await scripted(({ method, url }, response) => {
      if (method === 'GET') response.writeHead(200, ADVERT).end(VERSION_2);
      else response.writeHead(307, { location: `${other.url}${url}` }).end();
    });
    const reference = parseGitReference(`${server.url}/a.git`, { plainHttpHosts: [server.host, other.host] });
    const call = clientOf([server, other]).resolve(reference, ACCESS, AbortSignal.timeout(20_000));
    await expect(call).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    expect(other.requests()).toHaveLength(0);
  });

  it('of another kind are refused before anything is asked', async () => {
    const server = await scripted(status(500));
    const reference = parseGitReference(`${server.url}/a.git`, { plainHttpHosts: [server.host] });
    const ssh: GitAccess = { credentials: { type: 'ssh', privateKey: SECRET, knownHosts: '' } };
    const torn: GitAccess = { credentials: { type: 'bearer', token: `${SECRET}\nx-evil: 1` } };
    for (const access of [ssh, torn]) {
      const call = clientOf([server]).check(reference, access, AbortSignal.timeout(20_000));
      await expect(call).rejects.toMatchObject({
        code: 'SOURCE_AUTH',
        message: expect.not.stringContaining('canary'),
      });
    }
    expect(server.requests()).toHaveLength(0);
  });
});
