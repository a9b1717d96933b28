import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  GIT_ENVIRONMENT,
  type GitSshServer,
  needs,
  type ProgramResult,
  runProgram,
  type SshKey,
  startGitSshServer,
} from '../../servers/index.ts';

const needed = needs('sshd', 'ssh-keygen');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Runs git with this key, with askpass for its passphrase, trusting these hosts alone. */
async function git(args: readonly string[], key: SshKey, knownHosts: string): Promise<ProgramResult> {
  const write = async (name: string, text: string, mode: number): Promise<string> => {
    const path = join(folder, name);
    await rm(path, { force: true });
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  };
  const identity = await write('identity', key.privateKey, 0o400);
  const known = await write('known_hosts', `${knownHosts}\n`, 0o400);
  const askpass = await write('askpass', `#!/bin/sh\necho '${key.passphrase ?? ''}'\n`, 0o700);
  const settings = `-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${known}`;
  return await runProgram('git', args, {
    cwd: folder,
    env: {
      ...GIT_ENVIRONMENT,
      GIT_SSH_COMMAND: `ssh -F none -i ${identity} ${settings}`,
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: 'force',
      SSH_AUTH_SOCK: undefined,
    },
  });
}

describe.skipIf(needed.isMissing)(`git over SSH${needed.note}`, () => {
  test('git clones with each kind of key, from a host that it knows by either key', async () => {
    await using server = await startGitSshServer();
    const repository = await server.createRepository('modules/app', { 'app.cue': 'package app\n' });
    const url = server.urlOf(repository);
    const { keys, knownHosts } = server;
    const clone = (name: string, key: SshKey, known: string): Promise<ProgramResult> =>
      git(['clone', url, name], key, known);
    expect(await clone('a', keys.ed25519, knownHosts.ed25519)).toMatchObject({ exitCode: 0 });
    expect(await clone('b', keys.rsaPem, knownHosts.rsa)).toMatchObject({ exitCode: 0 });
    expect(await clone('c', keys.encrypted, knownHosts.ed25519)).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(folder, 'c/app.cue'), 'utf8')).toBe('package app\n');
    expect(keys.rsaPem.privateKey).toContain('BEGIN RSA PRIVATE KEY');
    expect(await server.commands()).toEqual(Array(3).fill("git-upload-pack '/modules/app.git'"));
  });

  test('neither a stranger nor a host under another key gets through, and reading is all that is possible', async () => {
    await using server = await startGitSshServer();
    await using other: GitSshServer = await startGitSshServer();
    const repository = await server.createRepository('app', { 'app.cue': 'package app\n' });
    const list = ['ls-remote', server.urlOf(repository)];
    const known = server.knownHosts.ed25519;
    expect((await git(list, server.strangersKey, known)).stderr).toContain('Permission denied');
    const impostor = other.knownHosts.ed25519.replace(String(other.port), String(server.port));
    expect((await git(list, server.keys.ed25519, impostor)).stderr).toContain(
      'HOST IDENTIFICATION HAS CHANGED',
    );
    expect(await server.commands()).toEqual([]);

    await git(['clone', server.urlOf(repository), 'clone'], server.keys.ed25519, known);
    const push = ['-C', 'clone', 'push', 'origin', 'HEAD:refs/heads/mine'];
    expect((await git(push, server.keys.ed25519, known)).stderr).toContain('only git-upload-pack');
    expect((await server.commands()).at(-1)).toBe("git-receive-pack '/app.git'");
  });

  test('a server that is away for a while keeps its repositories, port and keys', async () => {
    await using server = await startGitSshServer();
    const repository = await server.createRepository('app', { 'app.cue': 'package app\n' });
    const list = ['ls-remote', server.urlOf(repository), 'main'];
    const { keys, knownHosts } = server;
    await server.takeDown();
    expect((await git(list, keys.ed25519, knownHosts.ed25519)).stderr).toContain('refused');
    await server.bringBack();
    expect((await git(list, keys.ed25519, knownHosts.ed25519)).stdout).toContain(
      await repository.resolve('main'),
    );
  });
});
