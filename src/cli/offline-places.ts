// Registries and git servers as somebody at a terminal reaches them: with the login that is given, or the one that Docker
// keeps for a registry. There are no Secrets without a cluster, so that the flags stand in for those that a Transform
// names, by Secrets that exist for the one command.
import type { CueRef, KubeObject } from '../api/index.ts';
import { ByteCache } from '../cache/index.ts';
import { EgressGuard } from '../egress/index.ts';
import { messageOf, SourceError } from '../errors.ts';
import { parseGitReference } from '../git/index.ts';
import { silentLogger } from '../observability/index.ts';
import { parseOciReference } from '../registry/index.ts';
import { CueRegistries, dockerLogin, NetworkPlaces, type SecretReader } from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { readFlagFile } from './flag-file.ts';
import { ALL_ADDRESSES, type RegistryFlags, readDockerConfig, readPassword } from './registry-access.ts';
import type { Terminal } from './terminal.ts';

const LOGIN = 'login';
const AUTHORITY = 'authority';

export interface PlaceFlags extends RegistryFlags {
  /** As CUE_REGISTRY. */
  readonly cueRegistry: string;
}

/** What a command fetches with. */
export interface OfflinePlaces extends AsyncDisposable {
  readonly places: NetworkPlaces;
  /** The reference, with Secrets that `secrets` has. */
  readonly cueRef: CueRef;
  readonly secrets: SecretReader;
}

/** @throws CliError where flags contradict each other, or name a file that can't be read */
export async function openPlaces(
  cueRef: CueRef,
  flags: PlaceFlags,
  terminal: Pick<Terminal, 'stdin'>,
): Promise<OfflinePlaces> {
  const login = await loginOf(cueRef, flags, terminal);
  const secrets = new Map<string, KubeObject>();
  if (login !== undefined) secrets.set(LOGIN, secretOf(LOGIN, login));
  if (flags.caFile !== undefined) {
    const ca = await readFlagFile('--ca-file', flags.caFile);
    secrets.set(AUTHORITY, secretOf(AUTHORITY, { 'ca.crt': ca }));
  }
  const places = new NetworkPlaces({
    guard: new EgressGuard({ allow: ALL_ADDRESSES }),
    cache: await ByteCache.open({ log: silentLogger(), now: Date.now }),
    plainHttpHosts: flags.plainHttp === true ? hostsOf(cueRef) : [],
    trustedRealms: flags.registryRealm,
    cueRegistries: readRegistries(flags.cueRegistry),
    now: Date.now,
  });
  return {
    places,
    cueRef: withSecrets(cueRef, secrets),
    secrets: { readSecret: async (_namespace, name) => secrets.get(name) },
    [Symbol.asyncDispose]: () => places.close(),
  };
}

/** Who signed what is not looked at: keys are in Secrets, and who vouches for others is said to the operator. */
function withSecrets(cueRef: CueRef, secrets: ReadonlyMap<string, KubeObject>): CueRef {
  const { pullSecretRef: _login, certSecretRef: _authority, verify: _verify, ...reference } = cueRef;
  return {
    ...reference,
    ...(secrets.has(LOGIN) ? { pullSecretRef: { name: LOGIN } } : {}),
    ...(secrets.has(AUTHORITY) ? { certSecretRef: { name: AUTHORITY } } : {}),
  };
}

async function loginOf(
  cueRef: CueRef,
  { username, passwordStdin = false }: PlaceFlags,
  { stdin }: Pick<Terminal, 'stdin'>,
): Promise<Readonly<Record<string, string>> | undefined> {
  if ((username !== undefined) !== passwordStdin)
    throw new CliError('error: --username and --password-stdin belong together', EXIT_CODES.usage);
  if (username !== undefined) return { username, password: await readPassword(stdin) };
  const docker = await readDockerConfig();
  if (docker === undefined || cueRef.type === 'git') return undefined;
  if (cueRef.type !== 'oci') return { '.dockerconfigjson': docker.content };
  const { host, repository } = parsed(() => parseOciReference(cueRef.ref));
  const isKept = dockerLogin(docker.content, host, repository).state === 'found';
  return isKept ? { '.dockerconfigjson': docker.content } : undefined;
}

/** The host that is asked without TLS. */
function hostsOf({ type, ref }: CueRef): readonly string[] {
  if (type === 'oci') return [parsed(() => parseOciReference(ref)).host];
  const host = /^http:\/\/([^/?#@]+)\//.exec(ref)?.[1];
  if (type !== 'git' || host === undefined) return [];
  parsed(() => parseGitReference(ref, { plainHttpHosts: [host] }));
  return [host];
}

function secretOf(name: string, values: Readonly<Record<string, string>>): KubeObject {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data };
}

function readRegistries(config: string): CueRegistries {
  try {
    return new CueRegistries(config);
  } catch (error) {
    throw new CliError(`error: --cue-registry: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new CliError(`error: ${messageOf(error)} (${error.code})`, EXIT_CODES.failure, error);
  }
}
