import { beforeEach, describe, expect, it } from 'vitest';
import type { CueRef } from '../api/index.ts';
import { ByteCache } from '../cache/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess, GitReference, ResolvedCommit } from '../git/index.ts';
import { silentLogger } from '../observability/index.ts';
import { GitSource } from './git.ts';
import { clusterlessContext, type SourceContext } from './module-source.ts';
import { Remote } from './remote.ts';

const signal = new AbortController().signal;
const MINUTE = 60_000;
const ONE = '1'.repeat(40);

/** A server with one private repository. */
class FakeGit {
  calls: string[] = [];
  isDown: boolean = false;
  hasCommit: boolean = true;
  commit: string = ONE;

  async resolve({ ref }: GitReference, access: GitAccess): Promise<ResolvedCommit> {
    if (ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) return { commit: ref, name: ref };
    this.#admit('resolve', access);
    return { commit: this.commit, name: ref ?? 'main' };
  }

  async check(_reference: GitReference, access: GitAccess): Promise<void> {
    this.#admit('check', access);
  }

  async fetch({ folder }: GitReference, commit: string, access: GitAccess): Promise<Map<string, Uint8Array>> {
    this.#admit('fetch', access);
    if (!this.hasCommit) throw new SourceError('SOURCE_CHANGED', 'git.example does not have the commit');
    const path = folder === undefined ? 'a.cue' : `${folder}/a.cue`;
    return new Map([[path, new TextEncoder().encode(`x: "${commit}"`)]]);
  }

  #admit(kind: string, { credentials }: GitAccess): void {
    this.calls.push(kind);
    if (this.isDown) throw new SourceError('SOURCE_UNAVAILABLE', 'git.example does not answer');
    if (credentials?.type !== 'bearer' || credentials.token !== 'right')
      throw new SourceError('SOURCE_AUTH', 'git.example does not let you in');
  }
}

const clock = { ms: 0 };
let git: FakeGit;
let source: GitSource;

beforeEach(async () => {
  clock.ms = 0;
  git = new FakeGit();
  const cache = await ByteCache.open({ log: silentLogger(), now: () => clock.ms });
  source = new GitSource({ git, remote: new Remote({ cache, now: () => clock.ms }) });
});

function tenant(token: string): SourceContext {
  const data = { bearerToken: Buffer.from(token).toString('base64') };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, data };
  return { ...clusterlessContext('shop', { secrets: { readSecret: async () => secret } }), maxAgeMs: MINUTE };
}

const refTo = (query: string, more: Partial<CueRef> = {}): CueRef => ({
  type: 'git',
  ref: `https://git.example/platforms.git${query}`,
  pullSecretRef: { name: 'login' },
  ...more,
});

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof SourceError ? error.code : error),
  );
}

describe('a git reference', () => {
  it.each([
    ['', true],
    ['?ref=main', true],
    ['?ref=v1', true],
    [`?ref=${ONE}`, false],
  ])('with %j moves: %s', (query, isMoving) => {
    expect(source.isMoving(refTo(query))).toBe(isMoving);
  });

  it('is asked about and fetched once for many', async () => {
    const ref = refTo('?ref=main');
    const load = async (): Promise<number> => {
      const resolution = await source.resolve(ref, tenant('right'), signal);
      expect(resolution).toEqual({ digest: `sha1:${ONE}`, revision: `main@sha1:${ONE}` });
      return (await source.fetch(ref, resolution, tenant('right'), signal)).files.size;
    };
    expect(new Set(await Promise.all(Array.from({ length: 500 }, load)))).toEqual(new Set([1]));
    expect(git.calls).toEqual(['resolve', 'fetch']);
  });

  it('is fetched by folder: another one is other content', async () => {
    const digest = { digest: `sha1:${ONE}` };
    const first = await source.fetch(refTo('?path=a'), digest, tenant('right'), signal);
    const second = await source.fetch(refTo('?path=a', { path: 'b' }), digest, tenant('right'), signal);
    expect([...first.files.keys(), ...second.files.keys()]).toEqual(['a/a.cue', 'a/b/a.cue']);
  });
});

describe('a private repository', () => {
  const known = { digest: `sha1:${ONE}` };

  beforeEach(async () => {
    await source.fetch(refTo('?ref=main'), known, tenant('right'), signal);
  });

  it.each(['?ref=main', `?ref=${ONE}`])(
    'gives a stranger nothing by %s, though it is in the cache',
    async (query) => {
      expect(await codeOf(source.resolve(refTo(query), tenant('wrong'), signal))).toBe('SOURCE_AUTH');
      expect(await codeOf(source.fetch(refTo(query), known, tenant('wrong'), signal))).toBe('SOURCE_AUTH');
    },
  );

  it('that is silent gives what it gave, to whom it gave that', async () => {
    git.isDown = true;
    clock.ms += 60 * MINUTE;
    expect((await source.fetch(refTo('?ref=main'), known, tenant('right'), signal)).files.size).toBe(1);
    expect(await codeOf(source.fetch(refTo('?ref=main'), known, tenant('wrong'), signal))).toBe(
      'SOURCE_UNAVAILABLE',
    );
  });

  it('is not found where somebody wrote it down, and has changed where it was seen', async () => {
    git.hasCommit = false;
    const gone = '2'.repeat(40);
    const fetched = (query: string) =>
      source.fetch(refTo(query), { digest: `sha1:${gone}` }, tenant('right'), signal);
    expect(await codeOf(fetched('?ref=main'))).toBe('SOURCE_CHANGED');
    expect(await codeOf(fetched(`?ref=${gone}`))).toBe('SOURCE_NOT_FOUND');
  });

  it.each(['sha1:main', `sha256:${'0'.repeat(64)}`, ''])(
    'is not asked for %j, whatever a status says',
    async (digest) => {
      expect(await codeOf(source.fetch(refTo('?ref=main'), { digest }, tenant('right'), signal))).toBe(
        'SOURCE_CHANGED',
      );
    },
  );
});
