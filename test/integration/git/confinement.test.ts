// Node's permission model ends the attempt of a process, its threads included, to start a program or to touch a file.
import { glob, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GitAccess } from '../../../src/git/index.ts';
import {
  needs,
  type ProgramResult,
  runProgram,
  startGitHttpServer,
  startGitSshServer,
} from '../../servers/index.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MODULE = { 'cue.mod/module.cue': 'module: "a.test@v0"\n', 'web/a.cue': 'package a\n' };
const needed = needs('sshd', 'ssh-keygen');

async function confined(
  url: string,
  access: GitAccess,
  plainHttpHosts: readonly string[],
): Promise<ProgramResult> {
  // The code and its packages, wherever links lead; nothing else.
  const readable = [ROOT, await realpath(join(ROOT, 'node_modules'))].map(
    (folder) => `--allow-fs-read=${folder}`,
  );
  const script = join(import.meta.dirname, 'confined-fetch.ts');
  const args = [
    '--permission',
    '--allow-worker',
    ...readable,
    script,
    JSON.stringify({ url, access, plainHttpHosts }),
  ];
  return await runProgram(process.execPath, args, { cwd: ROOT });
}

describe('modules from git', () => {
  it('are read over https without a program, and without a file', async () => {
    await using server = await startGitHttpServer();
    const repository = await server.createRepository('a', MODULE);
    const { exitCode, stdout, stderr } = await confined(`${server.urlOf(repository)}?path=web`, {}, [
      server.host,
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout).sort()).toEqual(['cue.mod/module.cue', 'web/a.cue']);
  });

  it.skipIf(needed.isMissing)(`are read over ssh so, too${needed.note}`, async () => {
    await using server = await startGitSshServer();
    const repository = await server.createRepository('a', MODULE);
    const { privateKey, passphrase = '' } = server.keys.encrypted;
    const knownHosts = server.knownHosts.ed25519;
    const access: GitAccess = { credentials: { type: 'ssh', privateKey, passphrase, knownHosts } };
    const { exitCode, stdout, stderr } = await confined(`${server.urlOf(repository)}?path=web`, access, []);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout).sort()).toEqual(['cue.mod/module.cue', 'web/a.cue']);
  });

  it('have no import that opens files, programs or sockets by itself', async () => {
    const forbidden =
      /from 'node:(child_process|cluster|fs|fs\/promises|http|https|http2|tls|dgram)'|\bnet\.connect\b/;
    for await (const file of glob('src/git/**/*.ts', { cwd: ROOT })) {
      if (file.endsWith('.test.ts')) continue;
      expect((await readFile(join(ROOT, file), 'utf8')).match(forbidden)?.[0], file).toBeUndefined();
    }
  });
});
