import { beforeEach, describe, expect, it } from 'vitest';
import type { CueRef } from '../api/index.ts';
import { ByteCache } from '../cache/index.ts';
import { SourceError } from '../errors.ts';
import { silentLogger } from '../observability/index.ts';
import type { VerificationPolicy } from '../signatures/index.ts';
import { FakeRegistry } from './fake-registry.fixture.ts';
import { clusterlessContext, type Resolution, type SourceContext } from './module-source.ts';
import { OciSource } from './oci.ts';
import { OciModules } from './oci-modules.ts';
import { Remote } from './remote.ts';

const signal = new AbortController().signal;
const MINUTE = 60_000;

const registry = { current: new FakeRegistry() };
const clock = { ms: 0 };
const verified: string[] = [];
let cache: ByteCache;
let source: OciSource;

/** What a process has; the cache outlives it. */
function start(): OciSource {
  const remote = new Remote({ cache, now: () => clock.ms });
  const verify = async (
    { digest }: { readonly digest: string },
    policy: VerificationPolicy,
  ): Promise<{ readonly signer: string }> => {
    verified.push(digest);
    if ('keys' in policy) return { signer: `key ${policy.keys[0]?.name}` };
    throw new SourceError('SOURCE_UNVERIFIED', 'not signed by anybody who may');
  };
  const modules = new OciModules({ registry: registry.current, verifier: { verify }, remote });
  return new OciSource({ modules, remote });
}

beforeEach(async () => {
  registry.current = new FakeRegistry();
  clock.ms = 0;
  verified.length = 0;
  cache = await ByteCache.open({ log: silentLogger(), now: () => clock.ms });
  source = start();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A namespace whose Secret `login` has this password. */
function tenant(namespace: string, password?: string, maxAgeMs: number = 2 * MINUTE): SourceContext {
  const data: Readonly<Record<string, string>> = {
    username: base64('me'),
    ...(password === undefined ? {} : { password: base64(password) }),
    'team.pub': base64('PEM'),
  };
  return {
    ...clusterlessContext(namespace, {
      secrets: {
        readSecret: async (_namespace, name) =>
          name === 'login' ? { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data } : undefined,
      },
    }),
    maxAgeMs,
  };
}

const publicRef = (ref: string, more: Partial<CueRef> = {}): CueRef => ({ type: 'oci', ref, ...more });
const privateRef = (ref: string): CueRef => publicRef(ref, { pullSecretRef: { name: 'login' } });

async function load(ref: CueRef, context: SourceContext, from: OciSource = source) {
  const resolution = await from.resolve(ref, context, signal);
  return { resolution, tree: await from.fetch(ref, resolution, context, signal) };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof SourceError ? error.code : error),
  );
}

describe('a reference', () => {
  it('by tag is a digest, and its content', async () => {
    const digest = registry.current.push('web', '1.0.0', { 'a.cue': 'package web' });
    const { resolution, tree } = await load(publicRef('oci://r.example/web:1.0.0'), tenant('a'));
    expect(resolution).toEqual({ digest, revision: `1.0.0@${digest}` });
    expect([...tree.files]).toEqual([['a.cue', 'package web']]);
  });

  it('needs a tag, a digest or a range', async () => {
    registry.current.push('web', 'latest', { 'a.cue': 'package web' });
    await expect(load(publicRef('oci://r.example/web'), tenant('a'))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      retry: 'never',
    });
    expect(registry.current.calls).toEqual([]);
  });

  it('by range is the highest tag in it', async () => {
    registry.current.push('web', 'v1.0.0', { 'a.cue': 'x: 1' });
    const digest = registry.current.push('web', 'v1.3.0', { 'a.cue': 'x: 2' });
    registry.current.push('web', 'v2.0.0', { 'a.cue': 'x: 3' });
    const ref = publicRef('oci://r.example/web', { semver: '1.x' });
    expect((await load(ref, tenant('a'))).resolution.revision).toBe(`v1.3.0@${digest}`);
    const tagged = publicRef('oci://r.example/web:v1.0.0', { semver: '1.x' });
    expect(await failure(load(tagged, tenant('a')))).toBe('SOURCE_INVALID');
  });

  it.each([
    ['oci://r.example/web:1', true],
    ['oci://r.example/web', true],
    [`oci://r.example/web@sha256:${'0'.repeat(64)}`, false],
    [`oci://r.example/web:1@sha256:${'0'.repeat(64)}`, false],
  ])('%s moves: %s', (ref, isMoving) => {
    expect(source.isMoving(publicRef(ref))).toBe(isMoving);
  });

  it('that leads to no module says where', async () => {
    registry.current.push('web', '1', { 'README.md': 'nothing' });
    await expect(load(publicRef('oci://r.example/web:1'), tenant('a'))).rejects.toThrow(
      /^oci:\/\/r\.example\/web@sha256:[0-9a-f]{64}: the artefact has no \.cue file/,
    );
  });
});

describe('many who ask', () => {
  it.each(['by tag', 'by digest'])(
    '%s cause one request for the manifest and one for the blob',
    async (how) => {
      const digest = registry.current.push('web', '1', { 'a.cue': 'package web' });
      const ref = publicRef(how === 'by tag' ? 'oci://r.example/web:1' : `oci://r.example/web@${digest}`);
      const all = await Promise.all(
        Array.from({ length: 5000 }, (_, at) => load(ref, tenant(`ns-${at % 50}`))),
      );
      expect(all.every(({ resolution }) => resolution.digest === digest)).toBe(true);
      expect(registry.current.counts()).toEqual({ resolve: 1, blob: 1 });
    },
  );

  it('with the same private login share it, and each other login is asked for by itself', async () => {
    registry.current.passwords.set('web', 'right');
    registry.current.push('web', '1', { 'a.cue': 'package web' });
    const ref = privateRef('oci://r.example/web:1');
    const good = Array.from({ length: 100 }, () => load(ref, tenant('a', 'right')));
    const bad = Array.from({ length: 100 }, () => failure(load(ref, tenant('b', 'wrong'))));
    await Promise.all(good);
    expect(new Set(await Promise.all(bad))).toEqual(new Set(['SOURCE_AUTH']));
    expect(registry.current.counts()).toEqual({ resolve: 2, blob: 1 });
  });

  it('who look again cost one request that is no download, until the tag has moved', async () => {
    registry.current.push('web', '1', { 'a.cue': 'x: 1' });
    const ref = publicRef('oci://r.example/web:1');
    await load(ref, tenant('a'));
    clock.ms += 5 * MINUTE;
    await Promise.all(Array.from({ length: 100 }, () => load(ref, tenant('a'))));
    expect(registry.current.counts()).toEqual({ resolve: 1, blob: 1, digest: 1 });
    const moved = registry.current.push('web', '1', { 'a.cue': 'x: 2' });
    clock.ms += MINUTE;
    expect((await load(ref, tenant('a'))).resolution.digest).not.toBe(moved);
    expect((await load(ref, tenant('a', undefined, 0))).resolution.digest).toBe(moved);
  });
});

describe('content of another tenant', () => {
  const ref = privateRef('oci://r.example/web:1');
  let digest = '';

  beforeEach(async () => {
    registry.current.passwords.set('web', 'right');
    digest = registry.current.push('web', '1', { 'a.cue': 'package secret' });
    await load(ref, tenant('a', 'right'));
  });

  it.each([
    ['without credentials', publicRef('oci://r.example/web:1'), undefined],
    ['with wrong ones', privateRef('oci://r.example/web:1'), 'wrong'],
  ])('is not given to who names its digest %s, whatever a status says', async (_what, forged, password) => {
    const stranger = tenant('b', password);
    const byDigest = { ...forged, ref: `oci://r.example/web@${digest}` };
    expect(await failure(load(byDigest, stranger))).toBe('SOURCE_AUTH');
    expect(await failure(source.fetch(forged, { digest }, stranger, signal))).toBe('SOURCE_AUTH');
  });

  it('is not given to who claims that it is in his own repository', async () => {
    registry.current.push('mine', '1', { 'a.cue': 'package mine' });
    const mine = publicRef('oci://r.example/mine:1');
    expect(await failure(source.fetch(mine, { digest }, tenant('b'), signal))).toBe('SOURCE_NOT_FOUND');
  });

  it('is not given to who knows its manifest, and puts that into his own repository', async () => {
    registry.current.copyManifest(digest, 'web', 'mine');
    const mine = publicRef(`oci://r.example/mine@${digest}`);
    expect(await failure(load(mine, tenant('b')))).toBe('SOURCE_NOT_FOUND');
  });

  it('is given to who shows the same credentials', async () => {
    const { tree } = await load(ref, tenant('b', 'right'));
    expect([...tree.files.values()]).toEqual(['package secret']);
    expect(registry.current.counts()['blob']).toBe(1);
  });

  it('is given no more once the registry has refused', async () => {
    registry.current.passwords.set('web', 'changed');
    expect(await failure(source.resolve(ref, tenant('a', 'right', 0), signal))).toBe('SOURCE_AUTH');
    expect(await failure(source.fetch(ref, { digest }, tenant('a', 'right', 0), signal))).toBe('SOURCE_AUTH');
  });

  it('is shown credentials for again after a restart, and then comes from the cache', async () => {
    const restarted = start();
    expect(await failure(restarted.fetch(ref, { digest }, tenant('b', 'wrong'), signal))).toBe('SOURCE_AUTH');
    await restarted.fetch(ref, { digest }, tenant('a', 'right'), signal);
    expect(registry.current.counts()['blob']).toBe(1);
  });
});

describe('a registry that does not answer', () => {
  it('leaves what somebody had before, for him, and nothing else', async () => {
    registry.current.passwords.set('web', 'right');
    registry.current.push('web', '1', { 'a.cue': 'package web' });
    const ref = privateRef('oci://r.example/web:1');
    const { resolution } = await load(ref, tenant('a', 'right'));
    registry.current.isDown = true;
    clock.ms += 60 * MINUTE;
    const fetched = (context: SourceContext) => source.fetch(ref, resolution, context, signal);
    expect((await fetched(tenant('a', 'right'))).files.size).toBe(1);
    expect(await failure(fetched(tenant('b', 'wrong')))).toBe('SOURCE_UNAVAILABLE');
    expect(await failure(source.resolve(ref, tenant('a', 'right'), signal))).toBe('SOURCE_UNAVAILABLE');
  });

  it('leaves nothing to whom it had refused before it fell silent', async () => {
    registry.current.passwords.set('web', 'right');
    registry.current.push('web', '1', { 'a.cue': 'package web' });
    const ref = privateRef('oci://r.example/web:1');
    const { resolution } = await load(ref, tenant('a', 'right'));
    clock.ms += 60 * MINUTE;
    const fetched = () => failure(source.fetch(ref, resolution, tenant('a', 'right'), signal));
    registry.current.passwords.set('web', 'changed');
    expect(await fetched()).toBe('SOURCE_AUTH');
    registry.current.isDown = true;
    expect(await fetched()).toBe('SOURCE_UNAVAILABLE');
  });
});

describe('verification', () => {
  const keys = { provider: 'cosign', secretRef: { name: 'login' } } as const;
  const identities = { provider: 'cosign', identities: [{ issuer: 'i', subject: 's' }] } as const;

  it('is of the digest, names the signer, and is done once', async () => {
    const digest = registry.current.push('web', '1', { 'a.cue': 'package web' });
    const ref = publicRef('oci://r.example/web:1', { verify: keys });
    const { resolution } = await load(ref, tenant('a'));
    await load(ref, tenant('b'));
    expect(resolution.signer).toBe('key team.pub');
    expect(verified).toEqual([digest]);
  });

  it('is of what is fetched, wherever the tag is moved in between', async () => {
    const digest = registry.current.push('web', '1', { 'a.cue': 'x: "signed"' });
    const ref = publicRef('oci://r.example/web:1', { verify: keys });
    const resolution = await source.resolve(ref, tenant('a'), signal);
    registry.current.push('web', '1', { 'a.cue': 'x: "moved"' });
    for (const process of [source, start()]) {
      const tree = await process.fetch(ref, resolution, tenant('a'), signal);
      expect([...tree.files.values()].map(String)).toEqual(['x: "signed"']);
    }
    expect(new Set(verified)).toEqual(new Set([digest]));
  });

  it('that fails gives nothing, also where a status says that it was signed', async () => {
    const digest = registry.current.push('web', '1', { 'a.cue': 'package web' });
    const ref = publicRef('oci://r.example/web:1', { verify: identities });
    expect(await failure(load(ref, tenant('a')))).toBe('SOURCE_UNVERIFIED');
    const forged: Resolution = { digest, signer: 's' };
    expect(await failure(source.fetch(ref, forged, tenant('a'), signal))).toBe('SOURCE_UNVERIFIED');
    expect(registry.current.counts()['blob']).toBeUndefined();
  });

  it('needs keys', async () => {
    registry.current.push('web', '1', { 'a.cue': 'package web' });
    const missing = { provider: 'cosign', secretRef: { name: 'none' } } as const;
    const ref = publicRef('oci://r.example/web:1', { verify: missing });
    await expect(load(ref, tenant('a'))).rejects.toThrow('there is no Secret a/none (verify.secretRef)');
  });
});
