// Registries as somebody at a terminal reaches them: with a login that is given, or one that Docker keeps. Programs that
// keep logins for Docker are not run. Whoever runs a command may call what his machine can: no address is closed to it.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { EgressGuard } from '../egress/index.ts';
import { isSourceError, messageOf, SourceError } from '../errors.ts';
import { isJsonObject, parseJson } from '../json/index.ts';
import {
  type OciReference,
  parseOciReference,
  type RegistryAccess,
  RegistryClient,
  type TrustedRealm,
} from '../registry/index.ts';
import { dockerLogin } from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { readFlagFile } from './flag-file.ts';
import { registryRealmFlag } from './flags.ts';

/** Whoever runs a command may call what his machine can. */
export const ALL_ADDRESSES: readonly string[] = ['0.0.0.0/0', '::/0'];

/** What {@link withRegistryOptions} reads. */
export interface RegistryFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly caFile?: string;
  readonly plainHttp?: boolean;
  readonly registryRealm: readonly TrustedRealm[];
}

/** Adds the options that say how a registry is reached. */
export function withRegistryOptions(command: Command): Command {
  return command
    .option('-u, --username <name>', 'who logs in; needs --password-stdin')
    .option('--password-stdin', 'read the password or token from standard input')
    .option('--ca-file <file>', 'authorities of the registry, as PEM, in place of those of the system')
    .option('--plain-http', 'speak to the registry without TLS')
    .addOption(
      new Option(
        '--registry-realm <registry=host>',
        'token server on another host than its registry; repeatable',
      )
        .argParser(registryRealmFlag)
        .default([], 'none'),
    );
}

/** Reads a reference of the command line. @throws CliError */
export function readReference(reference: string): OciReference {
  try {
    return parseOciReference(reference);
  } catch (error) {
    throw new CliError(`error: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}

/** One command's way to registries. */
export class RegistrySession implements AsyncDisposable {
  readonly registry: RegistryClient;
  readonly #main: OciReference;
  readonly #own: RegistryAccess;
  readonly #dockerConfig: DockerConfig | undefined;

  private constructor(
    registry: RegistryClient,
    main: OciReference,
    own: RegistryAccess,
    dockerConfig: DockerConfig | undefined,
  ) {
    this.registry = registry;
    this.#main = main;
    this.#own = own;
    this.#dockerConfig = dockerConfig;
  }

  /**
   * @param main what the flags are about; other registries are reached with what Docker keeps
   * @throws CliError where flags contradict each other, or name a file that can't be read
   */
  static async open(
    main: OciReference,
    flags: RegistryFlags,
    stdin: Readable,
    plainHttpHosts: readonly string[] = [],
  ): Promise<RegistrySession> {
    const { username, passwordStdin = false, caFile, plainHttp = false } = flags;
    if ((username !== undefined) !== passwordStdin) {
      throw new CliError('error: --username and --password-stdin belong together');
    }
    const credentials =
      username === undefined ? {} : { credentials: { username, password: await readPassword(stdin) } };
    const tls = caFile === undefined ? {} : { tls: { ca: await readFlagFile('--ca-file', caFile) } };
    const guard = new EgressGuard({ allow: ALL_ADDRESSES });
    const registry = new RegistryClient({
      guard,
      trustedRealms: flags.registryRealm,
      plainHttpHosts: [...plainHttpHosts, ...(plainHttp ? [main.host] : [])],
    });
    return new RegistrySession(registry, main, { ...credentials, ...tls }, await readDockerConfig());
  }

  /** How a repository is reached. */
  accessTo(reference: OciReference): RegistryAccess {
    const isMain = reference.host === this.#main.host;
    if (isMain && this.#own.credentials !== undefined) return this.#own;
    const { tls } = this.#own;
    const login = this.#login(reference);
    return {
      ...(login?.state === 'found'
        ? { credentials: { username: login.username, password: login.password } }
        : {}),
      ...(isMain && tls !== undefined ? { tls } : {}),
    };
  }

  /** The error, with what may be done about it where it is a login that lacks. */
  explained(error: unknown): unknown {
    if (!isSourceError(error, 'SOURCE_AUTH')) return error;
    const login = this.#login(this.#main);
    const { path = '', hasHelper = false } = this.#dockerConfig ?? {};
    const advice =
      this.#own.credentials !== undefined || login?.state === 'found'
        ? ''
        : hasHelper
          ? `; ${path} leaves logins to a credential helper, which is not run: give --username and --password-stdin`
          : login?.state === 'invalid'
            ? `; ${path} ${login.problem}: give --username and --password-stdin`
            : '; give --username and --password-stdin, or log in with docker login';
    return new SourceError(error.code, `${error.message}${advice}`, { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry.close();
  }

  #login({ host, repository }: OciReference): ReturnType<typeof dockerLogin> | undefined {
    return this.#dockerConfig === undefined
      ? undefined
      : dockerLogin(this.#dockerConfig.content, host, repository);
  }
}

export interface DockerConfig {
  readonly path: string;
  readonly content: string;
  /** Whether it names programs that keep logins. */
  readonly hasHelper: boolean;
}

/** What `docker login` wrote; undefined where there is no such file. */
export async function readDockerConfig(): Promise<DockerConfig | undefined> {
  const path = join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  try {
    const content = await readFile(path, 'utf8');
    return { path, content, hasHelper: namesHelper(content) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CliError(`error: ${path}: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}

function namesHelper(content: string): boolean {
  try {
    const config = parseJson(content);
    return (
      isJsonObject(config) && (config['credsStore'] !== undefined || config['credHelpers'] !== undefined)
    );
  } catch {
    // That it is no JSON is said where a login is looked for in it.
    return false;
  }
}

/** @throws CliError where there is none */
export async function readPassword(stdin: Readable): Promise<string> {
  const password = (await text(stdin)).replace(/\r?\n$/, '');
  if (password === '') throw new CliError('error: --password-stdin: standard input is empty');
  return password;
}
