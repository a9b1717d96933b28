import { describe, expect, it } from 'vitest';
import type { GitRef } from './advert.ts';
import { resolveName } from './names.ts';
import { parseGitReference } from './reference.ts';

const [A, B, TAG] = ['a'.repeat(40), `abcdef0${'b'.repeat(33)}`, '1'.repeat(40)];
const REFS: readonly GitRef[] = [
  { name: 'HEAD', oid: A, target: 'refs/heads/main' },
  { name: 'refs/heads/main', oid: A },
  { name: 'refs/heads/release', oid: B },
  { name: 'refs/heads/abcdef0', oid: A },
  { name: 'refs/heads/mainline', oid: B },
  { name: 'refs/tags/v1', oid: TAG, peeled: B },
  { name: 'refs/notes/x', oid: B },
];

const resolve = (ref: string, refs: readonly GitRef[] = REFS): ReturnType<typeof resolveName> =>
  resolveName(parseGitReference(`https://h/a?ref=${ref}`), async (prefixes) =>
    refs.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix))),
  );

describe('names of commits', () => {
  it.each([
    ['main', A, 'main'],
    ['release', B, 'release'],
    ['v1', B, 'v1'],
    ['heads/main', A, 'main'],
    ['refs/notes/x', B, 'refs/notes/x'],
    // Seven letters that could be the start of a commit are a name first.
    ['abcdef0', A, 'abcdef0'],
    ['abcdef0bb', B, B],
    [B.toUpperCase(), B, B],
  ])('%s', async (ref, commit, name) => {
    expect(await resolve(ref)).toEqual({ commit, name });
  });

  it('are not guessed', async () => {
    await expect(resolve('x'.repeat(8))).rejects.toThrow('it has main, release');
    await expect(resolve('1111111')).rejects.toThrow('write the full SHA');
    await expect(resolve('f'.repeat(64))).rejects.toThrow('SHA-256');
    const twins = [A, `${A.slice(0, 39)}b`].map((oid, at) => ({ name: `refs/heads/x${at}`, oid }));
    await expect(resolve('aaaaaaaa', twins)).rejects.toThrow('several commits');
    await expect(resolve('HEAD', [])).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await expect(resolve('x', [])).rejects.toThrow('it has none');
  });
});
