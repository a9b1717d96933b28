import { lstat, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createTestAuthority,
  GIT_ENVIRONMENT,
  lfsPointer,
  type ProgramResult,
  runProgram,
  startGitHttpServer,
} from '../../servers/index.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'git-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function git(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  return await runProgram('git', args, { cwd: folder, env: { ...GIT_ENVIRONMENT, HOME: folder, ...env } });
}

test('git clones over TLS with a token, and nobody else does', async () => {
  await using server = await startGitHttpServer({
    tls: createTestAuthority(),
    readers: { accounts: [{ username: 'robot', password: 'se cret' }], tokens: ['t0ken'] },
  });
  const repository = await server.createRepository('modules/app', { 'app.cue': 'package app\n' });
  const url = server.urlOf(repository);
  const env = { GIT_SSL_CAINFO: server.caFile ?? '' };

  expect((await git(['clone', url, 'a'])).stderr).toContain('certificate');
  expect((await git(['clone', url, 'b'], env)).exitCode).toBe(128);
  const wrong = ['-c', 'http.extraHeader=Authorization: Bearer other', 'clone', url, 'c'];
  expect((await git(wrong, env)).exitCode).toBe(128);
  server.forget();

  const token = ['-c', 'http.extraHeader=Authorization: Bearer t0ken', 'clone', url, 'd'];
  expect(await git(token, env)).toMatchObject({ exitCode: 0 });
  expect(await readFile(join(folder, 'd/app.cue'), 'utf8')).toBe('package app\n');
  expect(server.counts()).toEqual({ 'info/refs': 1, 'ls-refs': 1, fetch: 1 });
  expect(server.requests()).toContainEqual(
    expect.objectContaining({ operation: 'fetch', repository: 'modules/app.git', status: 200 }),
  );

  server.forget();
  const login = url.replace('//', '//robot:se%20cret@');
  expect(await git(['clone', login, 'e'], env)).toMatchObject({ exitCode: 0 });
  expect(server.counts()).toEqual({ challenge: 1, 'info/refs': 1, 'ls-refs': 1, fetch: 1 });
});

test('branches, both kinds of tags, links, submodules and pointers arrive as they were made', async () => {
  await using server = await startGitHttpServer();
  const other = await server.createRepository('other', { 'x.cue': 'package x\n' });
  const submodule = await other.resolve('main');
  const repository = await server.createRepository('app', { 'a b.cue': 'package a\n', old: 'old' });
  const first = await repository.resolve('main');
  const second = await repository.commit({
    old: null,
    'sub/link.cue': { symlink: '../a b.cue' },
    'run.sh': { executable: '#!/bin/sh\n' },
    'bytes.bin': Uint8Array.of(0, 255, 10),
    'large.bin': lfsPointer('large'),
    vendored: { submodule },
  });
  await repository.branch('stable', first);
  expect(await repository.tag('v1', { at: first })).toBe(first);
  const annotated = await repository.tag('v2', { isAnnotated: true });
  expect(annotated).not.toBe(second);
  expect(await repository.resolve('v2^{commit}')).toBe(second);

  const url = server.urlOf(repository);
  expect((await git(['ls-remote', url])).stdout.trim().split('\n')).toEqual([
    `${second}\tHEAD`,
    `${second}\trefs/heads/main`,
    `${first}\trefs/heads/stable`,
    `${first}\trefs/tags/v1`,
    `${annotated}\trefs/tags/v2`,
    `${second}\trefs/tags/v2^{}`,
  ]);
  expect(await git(['clone', '--branch', 'v2', url, 'clone'])).toMatchObject({ exitCode: 0 });
  const clone = join(folder, 'clone');
  expect(await readlink(join(clone, 'sub/link.cue'))).toBe('../a b.cue');
  expect((await lstat(join(clone, 'run.sh'))).mode & 0o111).not.toBe(0);
  expect(await readFile(join(clone, 'bytes.bin'))).toEqual(Buffer.of(0, 255, 10));
  expect(await readFile(join(clone, 'large.bin'), 'utf8')).toContain('size 5');
  await expect(lstat(join(clone, 'old'))).rejects.toThrow('ENOENT');
  expect((await git(['-C', clone, 'ls-tree', 'HEAD', 'vendored'])).stdout).toContain(
    `160000 commit ${submodule}`,
  );
});

test.each([
  { protocol: 0, wants: 'tips', exitCode: 128 },
  { protocol: 0, wants: 'reachable', exitCode: 0 },
  { protocol: 2, wants: 'tips', exitCode: 0 },
] as const)(
  'protocol $protocol that allows $wants: fetching an older commit ends with $exitCode',
  async (given) => {
    await using server = await startGitHttpServer(given);
    const repository = await server.createRepository('app', { 'a.cue': 'package a\n' });
    const first = await repository.resolve('main');
    await repository.commit({ 'a.cue': 'package b\n' });
    await git(['init', '--quiet', 'clone']);
    const fetch = ['-C', 'clone', 'fetch', '--depth=1', server.urlOf(repository), first];
    expect(await git(fetch)).toMatchObject({ exitCode: given.exitCode });
  },
);

test('a server that is away for a while keeps its repositories', async () => {
  await using server = await startGitHttpServer();
  const repository = await server.createRepository('app', { 'a.cue': 'package a\n' });
  const list = ['ls-remote', server.urlOf(repository), 'main'];
  await server.takeDown();
  expect((await git(list)).stderr).toMatch(/refused|connect/);
  await server.bringBack();
  expect((await git(list)).stdout).toContain(await repository.resolve('main'));
});
