import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { type GitAccess, GitClient, type GitReference, parseGitReference } from '../../../src/git/index.ts';
import {
  createTestAuthority,
  type GitHttpServer,
  type GitRepository,
  lfsPointer,
  startGitHttpServer,
} from '../../servers/index.ts';

const WAIT = (): AbortSignal => AbortSignal.timeout(30_000);
const PASSWORD = 'canary-password-8f2';
const TOKEN = 'canary-token-77a';

const MODULE = {
  'cue.mod/module.cue': 'module: "platform.test@v0"\nlanguage: version: "v0.12.0"\n',
  'web/web.cue': 'package web\n',
  'web/readme.md': 'not CUE',
  'lib/lib.cue': 'package lib\n',
  'README.md': 'words',
  'LINK.md': { symlink: 'README.md' },
};

const clientOf = (...servers: readonly GitHttpServer[]): GitClient =>
  new GitClient({
    guard: new EgressGuard({ allow: ['127.0.0.1', 'localhost'] }),
    plainHttpHosts: servers.map(({ host }) => host),
  });

describe.each([
  { protocol: 2, wants: 'tips' },
  { protocol: 0, wants: 'tips' },
  { protocol: 0, wants: 'reachable' },
] as const)('git over http, protocol $protocol, wants $wants', ({ protocol, wants }) => {
  let server: GitHttpServer;
  let client: GitClient;
  let repository: GitRepository;
  const referTo = (query: string, of: GitRepository = repository): GitReference =>
    parseGitReference(`${server.urlOf(of)}${query}`, { plainHttpHosts: [server.host] });
  const resolve = (query: string): ReturnType<GitClient['resolve']> =>
    client.resolve(referTo(query), {}, WAIT());
  const fetchAt = async (query: string, of?: GitRepository): Promise<readonly string[]> => {
    const reference = referTo(query, of);
    const { commit } = await client.resolve(reference, {}, WAIT());
    return [...(await client.fetch(reference, commit, {}, WAIT())).keys()].sort();
  };

  beforeAll(async () => {
    server = await startGitHttpServer({ protocol, wants });
    client = clientOf(server);
    repository = await server.createRepository('modules', MODULE);
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it('finds branches, tags and HEAD, and peels annotated tags', async () => {
    const first = await repository.resolve('main');
    await repository.tag('v1.0.0', { isAnnotated: true });
    await repository.tag('light');
    await repository.branch('release');
    const second = await repository.commit({ 'web/web.cue': 'package web\nx: 1\n' });
    expect(await resolve('')).toEqual({ commit: second, name: 'main' });
    expect(await resolve('?ref=HEAD')).toEqual({ commit: second, name: 'main' });
    expect(await resolve('?ref=release')).toEqual({ commit: first, name: 'release' });
    expect(await resolve('?ref=v1.0.0')).toEqual({ commit: first, name: 'v1.0.0' });
    expect(await resolve('?ref=light')).toEqual({ commit: first, name: 'light' });
    expect(await resolve('?ref=refs/tags/v1.0.0')).toEqual({ commit: first, name: 'v1.0.0' });
    expect(await resolve(`?ref=${second.slice(0, 9)}`)).toEqual({ commit: second, name: second });
    expect(await resolve(`?ref=${first}`)).toEqual({ commit: first, name: first });
  });

  it('does not guess between a branch and a tag', async () => {
    await repository.branch('both');
    await repository.tag('both');
    await expect(resolve('?ref=both')).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('refs/heads/both or refs/tags/both'),
    });
    expect((await resolve('?ref=refs/heads/both')).name).toBe('both');
  });

  it('says what there is where a name leads nowhere', async () => {
    await expect(resolve('?ref=nowhere')).rejects.toThrow(/no branch or tag "nowhere": it has .*main/);
    await expect(resolve('?ref=abcdef0')).rejects.toThrow('write the full SHA');
  });

  it('fetches the module around a folder, and nothing but CUE', async () => {
    expect(await fetchAt('?path=web')).toEqual(['cue.mod/module.cue', 'lib/lib.cue', 'web/web.cue']);
    const files = await client.fetch(referTo('?path=lib'), await repository.resolve('main'), {}, WAIT());
    expect(Buffer.from(files.get('lib/lib.cue') ?? []).toString()).toBe('package lib\n');
  });

  it('keeps the modules of one repository apart', async () => {
    const many = await server.createRepository('many', {
      'a/cue.mod/module.cue': 'module: "a.test@v0"\n',
      'a/a.cue': 'package a\n',
      'a/inner/cue.mod/module.cue': 'module: "inner.test@v0"\n',
      'a/inner/inner.cue': 'package inner\n',
      'b/b.cue': 'package b\n',
    });
    expect(await fetchAt('?path=a', many)).toEqual(['a/a.cue', 'a/cue.mod/module.cue']);
    expect(await fetchAt('?path=a/inner', many)).toEqual(['a/inner/cue.mod/module.cue', 'a/inner/inner.cue']);
    expect(await fetchAt('?path=b', many)).toEqual(['b/b.cue']);
    expect(await fetchAt('', many)).toHaveLength(5);
    await expect(fetchAt('?path=c', many)).rejects.toThrow('no folder c: there are a, b');
  });

  it('fetches a commit that a branch has left, where the server gives it', async () => {
    const old = await repository.resolve('main');
    await repository.commit({ 'web/web.cue': 'package web\nx: 2\n' });
    await repository.git('update-ref', '-d', 'refs/heads/both');
    await repository.git('tag', '-d', 'both');
    const fetching = client.fetch(referTo('?path=web'), old, {}, WAIT());
    if (protocol === 0 && wants === 'tips') {
      await expect(fetching).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    } else {
      expect((await fetching).size).toBe(3);
    }
  });

  it('says so where there is no such commit', async () => {
    const fetching = client.fetch(referTo(''), 'a'.repeat(40), {}, WAIT());
    await expect(fetching).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  it('refuses what it would have to follow', async () => {
    const odd = await server.createRepository('odd', {
      'ok/a.cue': 'package a\n',
      'link/a.cue': { symlink: '../ok/a.cue' },
      linked: { symlink: 'ok' },
      'sub/a.cue': 'package a\n',
      'sub/there': { submodule: 'b'.repeat(40) },
      'lfs/a.cue': lfsPointer('package a\n'),
      'latin/a.cue': Buffer.from([0x70, 0xe9]),
      'case/a.cue': 'package a\n',
      'case/A.cue': 'package a\n',
      'odd/con.cue': 'package a\n',
      'odd2/a:b.cue': 'package a\n',
    });
    expect(await fetchAt('?path=ok', odd)).toEqual(['ok/a.cue']);
    const refused = {
      link: 'symbolic link',
      linked: 'symbolic link',
      sub: 'submodule',
      'sub/there': 'submodule',
      lfs: 'Git LFS',
      latin: 'UTF-8',
      case: 'only in how it is spelt',
      odd: 'not safe',
      odd2: 'not safe',
    };
    for (const [folder, words] of Object.entries(refused)) {
      await expect(fetchAt(`?path=${folder}`, odd), folder).rejects.toThrow(words);
    }
  });

  it('takes any file of git’s own deltas', async () => {
    const lines = Array.from({ length: 3_000 }, (_, at) => `a${at}: ${at * 7919}`);
    const large = await server.createRepository('deltas', { 'a.cue': lines.join('\n') });
    for (let at = 0; at < 12; at++) {
      lines[at * 100] = `changed${at}: true`;
      await large.commit({ [`copy${at}.cue`]: lines.join('\n') });
    }
    await large.git('repack', '-adfq', '--depth=10', '--window=20');
    const reference = referTo('', large);
    const { commit } = await client.resolve(reference, {}, WAIT());
    const files = await client.fetch(reference, commit, {}, WAIT());
    expect(files.size).toBe(13);
    expect(Buffer.from(files.get('copy11.cue') ?? []).toString()).toBe(lines.join('\n'));
  });
});

describe('who asks', () => {
  it.each([
    ['basic', { type: 'basic', username: 'reader', password: PASSWORD }],
    ['bearer', { type: 'bearer', token: TOKEN }],
  ] as const)('is told by %s over TLS with the tenant’s authority', async (_name, credentials) => {
    const authority = createTestAuthority();
    await using server = await startGitHttpServer({
      tls: authority,
      readers: { accounts: [{ username: 'reader', password: PASSWORD }], tokens: [TOKEN] },
    });
    const repository = await server.createRepository('private', MODULE);
    const client = clientOf();
    const reference = parseGitReference(server.urlOf(repository));
    const tls = { ca: authority.caPem };
    const access: GitAccess = { credentials, tls };
    const { commit } = await client.resolve(reference, access, WAIT());
    expect((await client.fetch(reference, commit, access, WAIT())).size).toBe(3);
    await expect(client.check(reference, access, WAIT())).resolves.toBeUndefined();
    await expect(client.check(reference, { tls }, WAIT())).rejects.toMatchObject({ code: 'SOURCE_AUTH' });
    const wrong: GitAccess = { tls, credentials: { type: 'bearer', token: `${TOKEN}x` } };
    const refused: unknown = await client.resolve(reference, wrong, WAIT()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'SOURCE_AUTH' });
    expect(String(refused)).not.toContain('canary');
    await expect(client.check(reference, { credentials }, WAIT())).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    });
    await client.close();
  });
});
