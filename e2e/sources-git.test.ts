// Modules from git servers, as users have them: git's own server over HTTP, and OpenSSH's.
import { afterAll, describe, expect } from 'vitest';
import { createTestAuthority, needs, startGitHttpServer, startGitSshServer } from '../test/servers/index.ts';
import {
  askNow,
  conditionOf,
  docExample,
  sampleModule,
  secretData,
  story,
  untilMade,
  useOperator,
} from './support/index.ts';

const authority = createTestAuthority();
const reader = { username: 'reader', password: 'let-me-read' };
const TOKEN = 'a-token-of-somebody';

const server = await startGitHttpServer();
const fragile = await startGitHttpServer();
const guarded = await startGitHttpServer({
  tls: authority,
  readers: { accounts: [reader], tokens: [TOKEN] },
});

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1'],
    ...[server, fragile].flatMap(({ host }) => ['--plain-http-host', host]),
  ],
});

afterAll(async () => {
  await Promise.all([server.stop(), fragile.stop(), guarded.stop()]);
});

const sshd = needs('sshd', 'ssh-keygen');
const LONG = '1h';
const SHORT = '5s';
/** The module in a folder beside others that have nothing to do with it. */
const FILES = (version: string) => ({
  'webservice/story.cue': sampleModule(version),
  'other/broken.cue': 'this is no CUE {',
  'README.md': '# platforms',
});

describe.concurrent('a module in a git repository', () => {
  story('is fetched by its branch, and followed when the branch moves', async ({ space }) => {
    const repository = await server.createRepository(space.namespace, FILES('1'));
    const text = await docExample('sources.md', 'a module in git');
    const url = server.urlOf(repository);
    const manifest = text
      .replace('https://github.com/acme/platforms.git', url)
      .replace('interval: 10m', `interval: ${SHORT}`);
    expect(manifest).toContain(`${url}?ref=main&path=webservice`);
    await space.kubectl(['apply', '--server-side', '-f', '-'], manifest);
    const { status } = await space.untilReady('shop');
    const first = await repository.resolve('main');
    expect(status?.resolvedCueRef).toMatchObject({ digest: `sha1:${first}`, revision: `main@sha1:${first}` });
    await untilMade(space, { version: '1', text: 'hello' });
    const second = await repository.commit(FILES('2'));
    await untilMade(space, { version: '2', text: 'hello' });
    await space.untilTransform(
      'shop',
      'names the new commit',
      (transform) => transform.status?.resolvedCueRef?.digest === `sha1:${second}`,
    );
    expect(running.operator.log).toContain('the reference stands for another module');
  });

  story('is fetched by a tag, asked for at once, and by a commit that never moves', async ({ space }) => {
    const repository = await server.createRepository(space.namespace, FILES('1'));
    const commit = await repository.resolve('main');
    await repository.tag('v1', { isAnnotated: true });
    const url = server.urlOf(repository);
    const give = (ref: string) =>
      space.transform('shop', {
        cueRef: { type: 'git', ref: `${url}?ref=${ref}`, path: 'webservice' },
        interval: LONG,
      });
    await give('v1');
    await untilMade(space, { version: '1' });
    await repository.commit(FILES('2'));
    await repository.tag('v1');
    await askNow(space, 'shop', 'now');
    await untilMade(space, { version: '2' });
    await give(commit);
    await untilMade(space, { version: '1' });
    await askNow(space, 'shop', 'once-more');
    expect((await space.readTransform('shop')).status?.resolvedCueRef?.digest).toBe(`sha1:${commit}`);
  });

  story('begins where its module file is, whatever folder the package is in', async ({ space }) => {
    const repository = await server.createRepository(space.namespace, {
      'platforms/cue.mod/module.cue': 'module: "test.example/platforms@v1"\nlanguage: version: "v0.16.0"\n',
      'platforms/words/words.cue': 'package words\n\nversion: "imported"\n',
      'platforms/apps/shop/shop.cue': sampleModule('x')
        .replace('package story', 'package shop\n\nimport "test.example/platforms/words"')
        .replace('version: "x"', 'version: words.version'),
    });
    const ref = `${server.urlOf(repository)}?path=platforms/apps/shop`;
    await space.transform('shop', { cueRef: { type: 'git', ref } });
    await untilMade(space, { version: 'imported' });
  });

  story('in another folder is another module', async ({ space }) => {
    const repository = await server.createRepository(space.namespace, {
      'a/story.cue': sampleModule('a'),
      'b/story.cue': sampleModule('b'),
    });
    const give = (folder: string) =>
      space.transform('shop', { cueRef: { type: 'git', ref: `${server.urlOf(repository)}?path=${folder}` } });
    await give('a');
    await untilMade(space, { version: 'a' });
    await give('b');
    await untilMade(space, { version: 'b' });
    await give('c');
    const failing = await space.untilFailing('shop', 'SourceNotFound');
    expect(conditionOf(failing, 'Fetched')?.message).toContain('no folder c: there are a, b');
    await untilMade(space, { version: 'b' });
  });
});

describe.concurrent('a private repository', () => {
  const access = { pullSecretRef: { name: 'platforms' }, certSecretRef: { name: 'authority' } };

  story.for([
    ['an account', reader],
    ['a token', { bearerToken: TOKEN }],
  ] as const)('is read with %s', async ([, credentials], { space }) => {
    const repository = await guarded.createRepository(space.namespace, FILES('1'));
    await space.create('Secret', 'authority', { data: secretData({ 'ca.crt': authority.caPem }) });
    await space.create('Secret', 'platforms', { data: secretData(credentials) });
    const ref = `${guarded.urlOf(repository)}?path=webservice`;
    await space.transform('shop', { cueRef: { type: 'git', ref, ...access } });
    await untilMade(space, { version: '1' });
  });

  story('is not read with a Secret for other hosts, wrong credentials, or none', async ({ space }) => {
    const repository = await guarded.createRepository(space.namespace, FILES('1'));
    const ref = `${guarded.urlOf(repository)}?path=webservice`;
    await space.create('Secret', 'authority', { data: secretData({ 'ca.crt': authority.caPem }) });
    await space.kubectl(
      ['apply', '--server-side', '--field-manager=user', '-f', '-'],
      await docExample('sources.md', 'credentials for git'),
    );
    await space.transform('shop', { cueRef: { type: 'git', ref, ...access } });
    const bound = await space.untilFailing('shop', 'SourceRefused');
    expect(conditionOf(bound, 'Fetched')?.message).toMatch(
      /is for git\.example\.com .* and is not used for 127\.0\.0\.1/,
    );
    expect(
      guarded
        .requests()
        .filter(({ repository: { length }, url }) => length > 0 && url.includes(space.namespace)),
    ).toEqual([]);
    await space.patch('Secret', 'platforms', {
      metadata: { annotations: { 'pequod.io/hosts': guarded.host } },
    });
    await askNow(space, 'shop', 'bound-anew');
    await space.untilFailing('shop', 'SourceUnauthorized');
    const { certSecretRef } = access;
    await space.transform('stranger', { cueRef: { type: 'git', ref, certSecretRef } });
    await space.untilFailing('stranger', 'SourceUnauthorized');
    await space.patch('Secret', 'platforms', { data: secretData(reader) });
    await space.untilReady('shop', 90_000);
    // That somebody else's is in the cache by now helps nobody.
    const digest = (await space.readTransform('shop')).status?.resolvedCueRef?.digest ?? '';
    const pinned = `${guarded.urlOf(repository)}?ref=${digest.slice('sha1:'.length)}&path=webservice`;
    await space.transform('thief', { cueRef: { type: 'git', ref: pinned, certSecretRef } });
    await space.untilFailing('thief', 'SourceUnauthorized');
    expect(await space.names('ResourceGraph')).toEqual(['shop']);
    const said = `${running.operator.log}${JSON.stringify(await space.get('Transform', 'shop'))}`;
    for (const secret of ['a-token', reader.password]) expect(said).not.toContain(secret);
  });

  story.skipIf(sshd.isMissing)(
    `behind ssh is read with a key, from a server that is known${sshd.note}`,
    async ({ space }) => {
      await using ssh = await startGitSshServer();
      const repository = await ssh.createRepository(space.namespace, FILES('1'));
      const ref = `${ssh.urlOf(repository)}?ref=main&path=webservice`;
      const identity = ssh.keys.ed25519.privateKey;
      const strangers = { identity, known_hosts: ssh.knownHosts.ed25519.replace(`:${ssh.port}`, ':1') };
      await space.create('Secret', 'platforms', { data: secretData(strangers) });
      await space.transform('shop', { cueRef: { type: 'git', ref, pullSecretRef: access.pullSecretRef } });
      await space.untilTransform(
        'shop',
        'is not fetched from a server that nobody knows',
        (transform) => conditionOf(transform, 'Fetched')?.status === 'False',
      );
      await space.patch('Secret', 'platforms', {
        data: secretData({ identity, known_hosts: ssh.knownHosts.ed25519 }),
      });
      await askNow(space, 'shop', 'now-known');
      await untilMade(space, { version: '1' });
    },
  );
});

story(
  'a git server that is down changes nothing, and new input is rendered from what it gave',
  async ({ space }) => {
    const repository = await fragile.createRepository(space.namespace, FILES('1'));
    const cueRef = { type: 'git', ref: `${fragile.urlOf(repository)}?ref=main`, path: 'webservice' };
    await space.transform('shop', { cueRef, input: { text: 'before' }, interval: LONG });
    await space.untilReady('shop');
    await fragile.takeDown();
    await space.patch('Transform', 'shop', {
      metadata: { annotations: { 'pequod.io/reconcile': 'while-down' } },
      spec: { input: { text: 'meanwhile' } },
    });
    await untilMade(space, { version: '1', text: 'meanwhile' });
    const goesOn = await space.untilReady('shop');
    expect(conditionOf(goesOn, 'Fetched')).toMatchObject({ status: 'False', reason: 'SourceUnavailable' });
    await fragile.bringBack();
    await repository.commit(FILES('2'));
    await space.untilTransform(
      'shop',
      'is fetched again',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'True',
      90_000,
    );
    await untilMade(space, { version: '2', text: 'meanwhile' });
  },
);
