import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { DEFAULT_GIT_LIMITS, type GitAccess, GitClient, parseGitReference } from '../../../src/git/index.ts';
import { SshTransport } from '../../../src/git/ssh.ts';
import { type GitRepository, type GitSshServer, needs, startGitSshServer } from '../../servers/index.ts';

const WAIT = (): AbortSignal => AbortSignal.timeout(30_000);
const needed = needs('sshd', 'ssh-keygen');
const MODULE = {
  'cue.mod/module.cue': 'module: "platform.test@v0"\n',
  'web/web.cue': 'package web\n',
  'big.bin': randomBytes(300_000),
};

describe.skipIf(needed.isMissing).each([2, 0] as const)(
  `git over ssh, protocol %i${needed.note}`,
  (protocol) => {
    let server: GitSshServer;
    let repository: GitRepository;
    let client: GitClient;
    const accessWith = (
      key: keyof GitSshServer['keys'] = 'ed25519',
      knownHosts: string = server.knownHosts.ed25519,
    ): GitAccess => {
      const { privateKey, passphrase } = server.keys[key];
      return {
        credentials: {
          type: 'ssh',
          privateKey,
          knownHosts,
          ...(passphrase === undefined ? {} : { passphrase }),
        },
      };
    };
    const reference = (query = ''): ReturnType<typeof parseGitReference> =>
      parseGitReference(`${server.urlOf(repository)}${query}`);
    const check = (access: GitAccess): Promise<void> => client.check(reference(), access, WAIT());

    beforeAll(async () => {
      server = await startGitSshServer({ protocol });
      repository = await server.createRepository('modules', MODULE);
      client = new GitClient({ guard: new EgressGuard({ allow: ['127.0.0.1'] }) });
    });
    afterAll(async () => {
      await client.close();
      await server.stop();
    });

    it.each(['ed25519', 'rsaPem', 'encrypted'] as const)('reads with the key %s', async (key) => {
      const { commit, name } = await client.resolve(reference('?ref=main'), accessWith(key), WAIT());
      expect({ commit, name }).toEqual({ commit: await repository.resolve('main'), name: 'main' });
      const files = await client.fetch(reference('?path=web'), commit, accessWith(key), WAIT());
      expect([...files.keys()].sort()).toEqual(['cue.mod/module.cue', 'web/web.cue']);
    });

    it('asks for the kind of host key that is listed', async () => {
      await expect(check(accessWith('ed25519', server.knownHosts.rsa))).resolves.toBeUndefined();
      const salt = randomBytes(20);
      const hash = createHmac('sha1', salt).update(`[127.0.0.1]:${server.port}`).digest('base64');
      const hashed = server.knownHosts.ed25519.replace(/^\S+/, `|1|${salt.toString('base64')}|${hash}`);
      await expect(check(accessWith('ed25519', hashed))).resolves.toBeUndefined();
    });

    it('speaks with no host that is not known, and names what it offered', async () => {
      const { ed25519 } = server.knownHosts;
      const other = ed25519.replace(/^\S+/, 'other.test');
      const fingerprint = /^ssh:.*SHA256:[A-Za-z0-9+/]{43}$/;
      await expect(check(accessWith('ed25519', other))).rejects.toMatchObject({
        code: 'SOURCE_REFUSED',
        message: expect.stringMatching(fingerprint),
      });
      await expect(
        check(accessWith('ed25519', `${ed25519}\n@revoked * ${ed25519.split(' ').slice(1).join(' ')}`)),
      ).rejects.toThrow('revoke');
      await expect(check(accessWith('ed25519', `@cert-authority ${ed25519}`))).rejects.toThrow(
        '@cert-authority',
      );
      const wrongKey = server.keys.ed25519.publicKey.split(' ').slice(0, 2).join(' ');
      await expect(check(accessWith('ed25519', `[127.0.0.1]:${server.port} ${wrongKey}`))).rejects.toThrow(
        'another key',
      );
    });

    it('says which key is not taken, and nothing of it', async () => {
      const { privateKey } = server.strangersKey;
      const knownHosts = server.knownHosts.ed25519;
      const stranger: GitAccess = { credentials: { type: 'ssh', privateKey, knownHosts } };
      await expect(check(stranger)).rejects.toMatchObject({ code: 'SOURCE_AUTH' });
      const encrypted = server.keys.encrypted.privateKey;
      for (const passphrase of [undefined, 'canary-wrong']) {
        const credentials = {
          type: 'ssh',
          privateKey: encrypted,
          knownHosts,
          ...(passphrase === undefined ? {} : { passphrase }),
        } as const;
        const error: unknown = await check({ credentials }).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'SOURCE_AUTH' });
        expect(String(error)).not.toMatch(/canary|BEGIN|[A-Za-z0-9+/]{60}/);
      }
      await expect(check({})).rejects.toMatchObject({ code: 'SOURCE_AUTH' });
    });

    it('runs git-upload-pack and nothing else', async () => {
      await expect(
        client.check({ ...reference(), path: '/nowhere.git', place: 'ssh://nowhere' }, accessWith(), WAIT()),
      ).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
      const commands = await server.commands();
      expect(commands.length).toBeGreaterThan(3);
      expect(commands.every((command) => /^git-upload-pack '[\w./]+'$/.test(command))).toBe(true);
    });

    it('takes a large pack, and no larger one than the limit', async () => {
      const large = await server.createRepository('large', {
        'big.bin': randomBytes(9 * 1024 * 1024),
        'a/a.cue': 'package a\n',
      });
      await large.git('config', 'uploadpack.allowFilter', 'false');
      const url = parseGitReference(server.urlOf(large));
      const commit = await large.resolve('main');
      expect((await client.fetch(url, commit, accessWith(), WAIT())).size).toBe(1);
      const maxPack = { ...DEFAULT_GIT_LIMITS.maxPack, maxBytes: 1024 * 1024 };
      const careful = new GitClient({
        guard: new EgressGuard({ allow: ['127.0.0.1'] }),
        limits: { maxPack },
      });
      await expect(careful.fetch(url, commit, accessWith(), WAIT())).rejects.toMatchObject({
        code: 'SOURCE_TOO_LARGE',
      });
      await careful.close();
    });

    it('ends with its signal', async () => {
      const controller = new AbortController();
      const call = client.resolve(reference('?ref=main'), accessWith(), controller.signal);
      controller.abort(new Error('given up'));
      await expect(call).rejects.toThrow('given up');
    });
  },
);

it('a key that ssh2 does not take ends one connection, and nothing else', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const key = async (): Promise<string> => 'canary';
  const transport = new SshTransport(new EgressGuard({ allow: ['127.0.0.1'] }), key);
  const reference = parseGitReference(`ssh://git@127.0.0.1:${port}/a.git`);
  const access: GitAccess = { credentials: { type: 'ssh', privateKey: '', knownHosts: '' } };
  // What nobody waits for any more would end the process, and fails this test.
  await expect(transport.open(reference, access, 1_000, WAIT())).rejects.toMatchObject({
    code: 'SOURCE_AUTH',
    message: expect.not.stringContaining('canary'),
  });
  server.close();
});

describe('an ssh server', () => {
  const privateKey = generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const access: GitAccess = { credentials: { type: 'ssh', privateKey, knownHosts: '' } };

  it.each([
    ['that is silent', () => undefined, 'given up'],
    ['that hangs up', (socket: Socket) => void socket.destroy(), ''],
    ['that is none', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), ''],
    [
      'that never stops',
      (socket: Socket) => void socket.on('error', () => undefined).write('x'.repeat(10_000_000)),
      '',
    ],
  ])('%s is given up', async (_what, onConnection, words) => {
    const server = createServer(onConnection).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const client = new GitClient({
      guard: new EgressGuard({ allow: ['127.0.0.1'] }),
      limits: { resolveTimeoutMs: 2_000 },
    });
    const call = client.check(parseGitReference(`ssh://git@127.0.0.1:${port}/a.git`), access, WAIT());
    await expect(call).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining(words),
    });
    await client.close();
    server.close();
  });
});
