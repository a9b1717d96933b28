import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { type GitAccess, GitClient, parseGitReference } from '../../../src/git/index.ts';
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

    it('ends with its signal', async () => {
      const controller = new AbortController();
      const call = client.resolve(reference('?ref=main'), accessWith(), controller.signal);
      controller.abort(new Error('given up'));
      await expect(call).rejects.toThrow('given up');
    });
  },
);
