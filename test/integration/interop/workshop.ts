// A registry as a company has it, with TLS and tokens, and a folder in which the tools of others work with it.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  createTestAuthority,
  type ProgramResult,
  type Registry,
  runCue,
  runOrasTool,
  runSkopeo,
  startRegistry,
  startTokenServer,
  type TokenServer,
  type TokenUser,
} from '../../servers/index.ts';

export interface Workshop extends AsyncDisposable {
  readonly registry: Registry;
  readonly tokens: TokenServer;
  /** Who may do everything there. */
  readonly user: TokenUser;
  readonly directory: string;
  /** Writes `files` below `folder`, by relative path. */
  write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** Each fails unless the program ends with 0, and gives its output. Both work in `folder`. */
  cue(folder: string, ...args: readonly string[]): Promise<string>;
  push(folder: string, repositoryAndTag: string, ...files: readonly string[]): Promise<string>;
  /** `skopeo <command> --cert-dir … --creds … <args>` */
  skopeo(command: 'inspect' | 'copy', ...args: readonly string[]): Promise<string>;
}

const USER: TokenUser = { username: 'builder', password: 'pass:word', grants: { '*': ['pull', 'push'] } };

export async function openWorkshop(): Promise<Workshop> {
  const authority = createTestAuthority();
  const tokens = await startTokenServer({ tls: authority, users: [USER] });
  const registry = await startRegistry({ tls: authority, auth: tokens.issuer });
  const directory = await mkdtemp(join(tmpdir(), 'interop-'));
  const login = `${USER.username}:${USER.password}`;
  const auths = { [registry.host]: { auth: Buffer.from(login).toString('base64') } };
  await writeFile(join(directory, 'config.json'), JSON.stringify({ auths }));
  await mkdir(join(directory, 'certificates'));
  await writeFile(join(directory, 'certificates/ca.crt'), authority.caPem);
  const env = {
    CUE_REGISTRY: `${registry.host}+secure`,
    CUE_CACHE_DIR: join(directory, 'cue-cache'),
    DOCKER_CONFIG: directory,
    SSL_CERT_FILE: registry.caFile,
    HOME: directory,
  };
  const caFile = registry.caFile ?? '';
  return {
    registry,
    tokens,
    user: USER,
    directory,
    write: async (folder, files) => {
      for (const [name, content] of Object.entries(files)) {
        const path = join(directory, folder, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
    },
    cue: async (folder, ...args) => outputOf(await runCue(args, { cwd: join(directory, folder), env })),
    push: async (folder, repositoryAndTag, ...files) => {
      const flags = ['--ca-file', caFile, '--user', USER.username, '--password', USER.password];
      const reference = `${registry.host}/${repositoryAndTag}`;
      const args = ['push', ...flags, '--directory', join(directory, folder), reference, ...files];
      return outputOf(await runOrasTool(args));
    },
    skopeo: async (command, ...args) => {
      const prefix = command === 'copy' ? 'src-' : '';
      const flags = [`--${prefix}cert-dir`, join(directory, 'certificates'), `--${prefix}creds`, login];
      return outputOf(await runSkopeo(['--insecure-policy', command, ...flags, ...args], { env }));
    },
    [Symbol.asyncDispose]: async () => {
      // cue makes the folders of its cache read-only.
      await runCue(['clean', '--modcache'], { env });
      await rm(directory, { recursive: true });
      await registry.stop();
      await tokens.stop();
    },
  };
}

function outputOf({ exitCode, stdout, stderr }: ProgramResult): string {
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** The module file of a module that can be published. */
export function moduleFile(path: string, deps: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(deps).map(([name, version]) => `deps: "${name}": v: "${version}"`);
  return [`module: "${path}"`, 'language: version: "v0.16.0"', 'source: kind: "self"', ...lines, ''].join(
    '\n',
  );
}
