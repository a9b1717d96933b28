// Git over SSH as OpenSSH's own server speaks it, as this user, with keys and settings that exist for one test. Nothing
// but reading the repositories is possible.
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { type ComponentProcess, choosePort } from '../control-plane/index.ts';
import { systemProgram } from './debian.ts';
import {
  type AllowedWants,
  createGitRepository,
  type GitFiles,
  type GitRepository,
} from './git-repositories.ts';
import { runProgram } from './run-program.ts';
import { Site } from './site.ts';

/** A private key in the form that users have it in a file, and its public half. */
export interface SshKey {
  readonly privateKey: string;
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string;
  /** Undefined where the key is not encrypted. */
  readonly passphrase: string | undefined;
}

export interface GitSshOptions {
  /** Whether the newest version of git's protocol may be asked for; by default so. */
  readonly protocol?: 0 | 2;
  /** Which ids clients may ask for under protocol 0; by default those of branches and tags alone. */
  readonly wants?: AllowedWants;
}

/** Repositories behind SSH. */
export interface GitSshServer extends AsyncDisposable {
  /** Always 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  /** Who logs in: the user that runs the tests. */
  readonly user: string;
  /** The server's keys as lines of a `known_hosts` file, one per kind. */
  readonly knownHosts: { readonly ed25519: string; readonly rsa: string };
  /** Keys that the server lets in: OpenSSH's form, PEM, and one that a passphrase opens. */
  readonly keys: { readonly ed25519: SshKey; readonly rsaPem: SshKey; readonly encrypted: SshKey };
  /** A key that it does not know. */
  readonly strangersKey: SshKey;
  /** Makes the repository `<name>.git` with one commit of `files` on `main`. */
  createRepository(name: string, files: GitFiles): Promise<GitRepository>;
  /** Where clients find it: `ssh://<user>@127.0.0.1:<port>/<name>.git`. */
  urlOf(repository: GitRepository): string;
  /** The commands that clients gave, refused ones too, in their order. */
  commands(): Promise<readonly string[]>;
  takeDown(): Promise<void>;
  bringBack(): Promise<void>;
  /** Stops it and removes what it holds. May be called again. */
  stop(): Promise<void>;
}

/** Where sshd wants an empty directory of its own when root starts it. */
const SEPARATION_DIRECTORY = '/run/sshd';
const PASSPHRASE = 'correct horse';
const START_ATTEMPTS = 3;

/** Starts a server without repositories; those made later go with it. Needs `sshd` and `ssh-keygen`. */
export async function startGitSshServer(options: GitSshOptions = {}): Promise<GitSshServer> {
  const command = systemProgram('sshd');
  return await Site.startIn('git-ssh', (site) => start(command, site, options));
}

async function start(
  command: string,
  site: Site,
  { protocol = 2, wants = 'tips' }: GitSshOptions,
): Promise<GitSshServer> {
  const [hostEd25519, hostRsa, ed25519, rsaPem, encrypted, strangersKey] = await Promise.all([
    makeKey(site, 'host_ed25519', ['-t', 'ed25519']),
    makeKey(site, 'host_rsa', ['-t', 'rsa', '-b', '2048']),
    makeKey(site, 'ed25519', ['-t', 'ed25519']),
    makeKey(site, 'rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']),
    makeKey(site, 'encrypted', ['-t', 'ed25519'], PASSPHRASE),
    makeKey(site, 'stranger', ['-t', 'ed25519']),
  ]);
  const root = site.path('repositories');
  const commandLog = site.path('commands.log');
  await mkdir(root);
  await appendFile(commandLog, '');
  const authorized = [ed25519, rsaPem, encrypted].map((key) => key.publicKey).join('\n');
  await site.write('authorized_keys', `${authorized}\n`);
  const entry = site.path('serve');
  await writeFile(entry, serveScript(root, commandLog));
  await chmod(entry, 0o700);
  if (process.getuid?.() === 0 && !existsSync(SEPARATION_DIRECTORY)) await mkdir(SEPARATION_DIRECTORY);

  const run = async (port: number): Promise<ComponentProcess> => {
    const config = await site.write('sshd_config', settings(site, entry, port, protocol));
    return await site.run({ name: 'sshd', command, args: ['-D', '-e', '-f', config] }, port);
  };
  let { port, process: server } = await startOnFreePort(run);
  const { username: user } = userInfo();
  const known = (key: SshKey): string =>
    `[127.0.0.1]:${port} ${key.publicKey.split(' ').slice(0, 2).join(' ')}`;
  let closing: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    closing ??= site.close();
    return closing;
  };
  return {
    host: '127.0.0.1',
    port,
    user,
    knownHosts: { ed25519: known(hostEd25519), rsa: known(hostRsa) },
    keys: { ed25519, rsaPem, encrypted },
    strangersKey,
    createRepository: (name, files) => createGitRepository(root, name, files, wants),
    urlOf: ({ path }) => `ssh://${user}@127.0.0.1:${port}/${path}`,
    commands: async () => (await readFile(commandLog, 'utf8')).split('\n').slice(0, -1),
    takeDown: () => server.stop(),
    bringBack: async () => {
      server = await run(port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startOnFreePort(
  run: (port: number) => Promise<ComponentProcess>,
): Promise<{ readonly port: number; readonly process: ComponentProcess }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort();
    try {
      return { port, process: await run(port) };
    } catch (error) {
      if (attempt === START_ATTEMPTS || !String(error).includes('already in use')) throw error;
    }
  }
}

function settings(site: Site, entry: string, port: number, protocol: 0 | 2): string {
  const lines = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${site.path('host_ed25519')}`,
    `HostKey ${site.path('host_rsa')}`,
    `AuthorizedKeysFile ${site.path('authorized_keys')}`,
    `ForceCommand ${entry}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    'StrictModes no', // the directory lies below one that everybody may write to
    'UsePAM no',
    'PidFile none',
    'DisableForwarding yes',
    'PermitTTY no',
    'PermitUserRC no',
    'PrintMotd no',
    'MaxStartups 100',
    ...(protocol === 2 ? ['AcceptEnv GIT_PROTOCOL'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Runs in place of what the client asked for: notes it, and serves a repository if it was that. */
function serveScript(root: string, commandLog: string): string {
  return `#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> '${commandLog}'
case "$SSH_ORIGINAL_COMMAND" in
  "git-upload-pack '"*"'") ;;
  *) echo 'only git-upload-pack is possible here' >&2; exit 128 ;;
esac
path=\${SSH_ORIGINAL_COMMAND#*\\'}
path=\${path%\\'}
cd '${root}' && GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 exec git upload-pack --strict "\${path#/}"
`;
}

async function makeKey(
  site: Site,
  name: string,
  kind: readonly string[],
  passphrase?: string,
): Promise<SshKey> {
  const path = site.path(name);
  const args = ['-q', ...kind, '-N', passphrase ?? '', '-C', name, '-f', path];
  const { exitCode, stderr } = await runProgram(systemProgram('ssh-keygen'), args);
  if (exitCode !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  return {
    privateKey: await readFile(path, 'utf8'),
    publicKey: (await readFile(`${path}.pub`, 'utf8')).trim(),
    passphrase,
  };
}
