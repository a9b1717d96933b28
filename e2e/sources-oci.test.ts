// Modules from a registry, as users have them: the registry is the CNCF's own, what is pushed is pushed by ORAS.
import { afterAll, describe, expect } from 'vitest';
import { ACCOUNTS, createTestAuthority, startRegistry } from '../test/servers/index.ts';
import {
  askNow,
  conditionOf,
  docExample,
  loginSecret,
  pushFiles,
  pushSample,
  type Space,
  sampleModule,
  secretData,
  story,
  untilMade,
  useOperator,
} from './support/index.ts';

const authority = createTestAuthority();
const registry = await startRegistry();
const fragile = await startRegistry();
const guarded = await startRegistry({ tls: authority, auth: 'basic' });
const { publisher, reader } = ACCOUNTS;

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1'],
    ...[registry, fragile].flatMap(({ host }) => ['--plain-http-host', host]),
    ...['--cue-registry', `${registry.host}+insecure`],
  ],
});

afterAll(async () => {
  await Promise.all([registry.stop(), fragile.stop(), guarded.stop()]);
});

const LONG = '1h';
const SHORT = '5s';

describe.concurrent('a module in a registry', () => {
  story('is fetched by its tag, and followed when the tag moves', async ({ space }) => {
    const place = `${space.namespace}:v1`;
    const first = await pushSample(registry, place, '1');
    const text = await docExample('sources.md', 'a module in a registry');
    const manifest = text
      .replace('oci://ghcr.io/acme/platforms/webservice:v1', `oci://${registry.host}/${place}`)
      .replace('interval: 10m', `interval: ${SHORT}`);
    expect(manifest).toContain(registry.host);
    await space.kubectl(['apply', '--server-side', '-f', '-'], manifest);
    const { status } = await space.untilReady('shop');
    expect(status?.resolvedCueRef).toMatchObject({ digest: first, revision: `v1@${first}` });
    await space.untilTransform(
      'shop',
      'says in words what it has fetched',
      (transform) => conditionOf(transform, 'Fetched')?.message === `the module is v1@${first}`,
    );
    await untilMade(space, { version: '1', text: 'hello' });
    const second = await pushSample(registry, place, '2');
    await untilMade(space, { version: '2', text: 'hello' });
    const moved = await space.untilTransform(
      'shop',
      'names the new digest',
      (transform) => transform.status?.applied?.digest === second,
    );
    expect(moved.status?.resolvedCueRef).toMatchObject({ digest: second, revision: `v1@${second}` });
    expect(running.operator.log).toContain('the reference stands for another module');
  });

  story('is asked for at once where a person wants that', async ({ space }) => {
    const place = `${space.namespace}:v1`;
    await pushSample(registry, place, '1');
    await space.transform('shop', {
      cueRef: { type: 'oci', ref: `oci://${registry.host}/${place}` },
      interval: LONG,
    });
    await space.untilReady('shop');
    await pushSample(registry, place, '2');
    await askNow(space, 'shop', 'now');
    await untilMade(space, { version: '2' });
  });

  story('by a range of versions is the highest one in it', async ({ space }) => {
    for (const version of ['1.0.0', '1.2.0', '2.0.0']) {
      await pushSample(registry, `${space.namespace}:v${version}`, version);
    }
    const ref = `oci://${registry.host}/${space.namespace}`;
    await space.transform('shop', { cueRef: { type: 'oci', ref, semver: '1.x' }, interval: LONG });
    await untilMade(space, { version: '1.2.0' });
    await pushSample(registry, `${space.namespace}:v1.3.0`, '1.3.0');
    await askNow(space, 'shop', 'now');
    await untilMade(space, { version: '1.3.0' });
  });

  story('has folders, and a package in one of them', async ({ space }) => {
    await pushFiles(registry, `${space.namespace}:v1`, {
      'cue.mod/module.cue': 'module: "test.example/shop@v1"\nlanguage: version: "v0.16.0"\n',
      'words/words.cue': 'package words\n\nversion: "imported"\n',
      'app/app.cue': sampleModule('x')
        .replace('package story', 'package app\n\nimport "test.example/shop/words"')
        .replace('version: "x"', 'version: words.version'),
    });
    const ref = `oci://${registry.host}/${space.namespace}:v1`;
    await space.transform('shop', { cueRef: { type: 'oci', ref, path: 'app' } });
    await untilMade(space, { version: 'imported' });
    await space.transform('shop', { cueRef: { type: 'oci', ref, path: 'nowhere' } });
    const failing = await space.untilFailing('shop', 'SourceNotFound');
    expect(conditionOf(failing, 'Fetched')?.message).toContain('no package in folder nowhere');
    await untilMade(space, { version: 'imported' });
  });

  story('that is not there is named, and found once it is', async ({ space }) => {
    const place = `${space.namespace}:v1`;
    await space.transform('shop', { cueRef: { type: 'oci', ref: `oci://${registry.host}/${place}` } });
    const failing = await space.untilFailing('shop', 'SourceNotFound');
    expect(conditionOf(failing, 'Fetched')?.message).toContain(place);
    expect(await space.names('ResourceGraph')).toEqual([]);
    await pushSample(registry, place, '1');
    await space.untilReady('shop');
  });

  story('that is used by many is asked for once', async ({ space }) => {
    const digest = await pushSample(registry, `${space.namespace}:v1`, '1');
    const ref = `oci://${registry.host}/${space.namespace}:v1`;
    const names = Array.from({ length: 40 }, (_, at) => `shop-${at}`);
    const spec = { cueRef: { type: 'oci', ref }, interval: LONG, adopt: undefined };
    await Promise.all(names.map((name) => space.transform(name, { ...spec, dryRun: true })));
    for (const name of names) {
      await space.untilTransform(
        name,
        'is fetched',
        ({ status }) => status?.resolvedCueRef?.digest === digest,
      );
    }
    const asked = registry.requests().filter(({ repository }) => repository === space.namespace);
    const reads = asked.filter(
      ({ method, headers }) => method === 'GET' && headers['user-agent'] === 'pequod',
    );
    expect(reads.map(({ kind }) => kind).sort()).toEqual(['blob', 'manifest']);
  });

  story('at a host that nobody allowed is refused, and no byte is sent', async ({ space }) => {
    await space.transform('shop', {
      cueRef: { type: 'oci', ref: 'oci://169.254.169.254/latest/meta-data:v1' },
    });
    const refused = await space.untilFailing('shop', 'SourceRefused');
    expect(conditionOf(refused, 'Fetched')?.message).toContain('169.254.169.254');
  });
});

describe.concurrent('a private module', () => {
  const access = { pullSecretRef: { name: 'login' }, certSecretRef: { name: 'authority' } };

  async function giveAuthority(space: Space): Promise<void> {
    await space.create('Secret', 'authority', { data: secretData({ 'ca.crt': authority.caPem }) });
  }

  story('needs the authority and the login, and is there as soon as both are right', async ({ space }) => {
    await pushSample(guarded, `${space.namespace}:v1`, '1', publisher);
    const ref = `oci://${guarded.host}/${space.namespace}:v1`;
    await space.transform('shop', { cueRef: { type: 'oci', ref, ...access } });
    const none = await space.untilFailing('shop', 'SourceUnauthorized');
    expect(conditionOf(none, 'Fetched')?.message).toMatch(/there is no Secret story-[^ ]+\/authority/);
    await giveAuthority(space);
    await space.create('Secret', 'login', loginSecret('other.example', reader));
    await space.untilTransform('shop', 'says that there is no login', (transform) =>
      (conditionOf(transform, 'Fetched')?.message ?? '').includes('it has those for other.example'),
    );
    await space.patch('Secret', 'login', {
      data: loginSecret(guarded.host, { ...reader, password: 'wrong-and-secret' }).data,
    });
    await space.untilTransform('shop', 'is refused by the registry', (transform) =>
      (conditionOf(transform, 'Fetched')?.message ?? '').includes(guarded.host),
    );
    await space.patch('Secret', 'login', { data: loginSecret(guarded.host, reader).data });
    await space.untilReady('shop', 90_000);
    await untilMade(space, { version: '1' });
    const said = `${running.operator.log}${JSON.stringify(await space.get('Transform', 'shop'))}`;
    for (const secret of ['wrong-and-secret', reader.password]) expect(said).not.toContain(secret);
  });

  story('is nothing to a tenant who may not read the Secret', async ({ space }) => {
    await pushSample(guarded, `${space.namespace}:v1`, '1', publisher);
    await giveAuthority(space);
    await space.create('Secret', 'login', loginSecret(guarded.host, reader));
    await space.create('ServiceAccount', 'nobody', {});
    const ref = `oci://${guarded.host}/${space.namespace}:v1`;
    await space.transform('shop', { cueRef: { type: 'oci', ref, ...access }, serviceAccountName: 'nobody' });
    const refused = await space.untilTransform(
      'shop',
      'is not fetched',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'False',
    );
    expect(conditionOf(refused, 'Fetched')?.message).toContain('secrets "authority" is forbidden');
  });

  story('is not given to a tenant who names its digest', async ({ space }) => {
    const digest = await pushSample(guarded, `${space.namespace}:v1`, '1', publisher);
    await giveAuthority(space);
    await space.create('Secret', 'login', loginSecret(guarded.host, reader));
    const ref = `oci://${guarded.host}/${space.namespace}`;
    await space.transform('owner', { cueRef: { type: 'oci', ref: `${ref}:v1`, ...access } });
    await space.untilReady('owner');
    const { certSecretRef } = access;
    await space.transform('thief', { cueRef: { type: 'oci', ref: `${ref}@${digest}`, certSecretRef } });
    await space.untilFailing('thief', 'SourceUnauthorized');
    // Whoever may write statuses says that it was all fetched before.
    const { status } = await space.readTransform('owner');
    await space.patch(
      'Transform',
      'thief',
      { status: { ...status, observedGeneration: 1 } },
      { subresource: 'status' },
    );
    await askNow(space, 'thief', 'again');
    expect((await space.names('ResourceGraph')).filter((name) => name === 'thief')).toEqual([]);
    const asked = guarded
      .requests()
      .filter(({ repository, kind }) => repository === space.namespace && kind === 'blob');
    expect(asked.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  story('of a Secret for other hosts is not asked for', async ({ space }) => {
    await giveAuthority(space);
    const annotations = { 'pequod.io/hosts': 'registry.example' };
    const data = secretData({ username: reader.username, password: reader.password });
    await space.create('Secret', 'login', { metadata: { annotations }, data });
    const ref = `oci://${guarded.host}/${space.namespace}:v1`;
    await space.transform('shop', { cueRef: { type: 'oci', ref, ...access } });
    const refused = await space.untilFailing('shop', 'SourceRefused');
    expect(conditionOf(refused, 'Fetched')?.message).toContain(`is for registry.example`);
    expect(guarded.requests().filter(({ repository }) => repository === space.namespace)).toEqual([]);
  });
});

story(
  'a registry that is down changes nothing, and new input is rendered from what it gave',
  async ({ space }) => {
    const place = `${space.namespace}:v1`;
    await pushSample(fragile, place, '1');
    const cueRef = { type: 'oci', ref: `oci://${fragile.host}/${place}` };
    const give = async (text: string, token: string): Promise<void> => {
      const spec = { serviceAccountName: 'deployer', cueRef, input: { text }, interval: LONG };
      const annotations = { 'pequod.io/reconcile': token };
      await space.apply('Transform', 'shop', { metadata: { annotations }, spec });
      await space.untilTransform(
        'shop',
        'has handled it',
        ({ status }) => status?.lastHandledReconcileAt === token,
      );
    };
    const silent = { status: 'False', reason: 'SourceUnavailable' };
    await give('before', '1');
    await space.untilReady('shop');
    await fragile.takeDown();
    await give('before', '2');
    const asBefore = await space.untilReady('shop');
    expect(conditionOf(asBefore, 'Fetched')).toMatchObject(silent);
    await give('meanwhile', '3');
    await untilMade(space, { version: '1', text: 'meanwhile' });
    const goesOn = await space.untilReady('shop');
    expect(conditionOf(goesOn, 'Fetched')).toMatchObject(silent);
    expect(conditionOf(goesOn, 'Fetched')?.message).toContain('fetched before, stays in force');
    await space.transform('shop', {
      cueRef: { ...cueRef, ref: `${cueRef.ref}-other` },
      input: { text: 'other' },
    });
    await space.untilFailing('shop', 'SourceUnavailable');
    await untilMade(space, { text: 'meanwhile' });
    await fragile.bringBack();
    await give('after', '4');
    await space.untilTransform(
      'shop',
      'is fetched again',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'True',
      90_000,
    );
    await untilMade(space, { text: 'after' });
  },
);

story('a restart asks no registry, renders nothing and writes nothing', async ({ space }) => {
  const place = `${space.namespace}:v1`;
  const digest = await pushSample(registry, place, '1');
  const ref = `oci://${registry.host}/${space.namespace}`;
  await space.transform('by-tag', { cueRef: { type: 'oci', ref: `${ref}:v1` }, interval: LONG });
  await space.untilReady('by-tag');
  const pinned = sampleModule('2', 'pinned');
  const other = await pushFiles(registry, `${space.namespace}:v2`, { 'story.cue': pinned });
  await space.transform('by-digest', { cueRef: { type: 'oci', ref: `${ref}@${other}` } });
  await space.untilReady('by-digest');
  const { operator } = running;
  await operator.stop();
  const before = await space.list('Transform');
  registry.forget();
  await operator.restart();
  await space.transform('later', { cueRef: { type: 'inline', ref: sampleModule('3', 'later') } });
  await space.untilReady('later');
  expect(registry.requests()).toEqual([]);
  expect((await space.list('Transform')).filter(({ metadata }) => metadata.name !== 'later')).toEqual(before);
  expect(operator.log.match(/"module rendered"/g)).toHaveLength(1);
  await pushSample(registry, place, '4');
  await askNow(space, 'by-tag', 'now');
  await untilMade(space, { version: '4' });
  expect((await space.readTransform('by-tag')).status?.resolvedCueRef?.digest).not.toBe(digest);
});
