// Who a source says that it is: the Secrets that a reference names, read as the Transform's ServiceAccount each time. A
// login for registries is for the hosts in it; any other Secret goes to the host of the reference alone, or to those that
// it binds itself to. No byte of a Secret gets into a message.
import type { CueRef } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess, GitCredentials } from '../git/index.ts';
import type { RegistryAccess, RegistryCredentials } from '../registry/index.ts';
import { dockerLogin } from './docker-config.ts';
import type { SourceContext } from './module-source.ts';
import { checkHost, isFor, namedSecret, type SecretData } from './secret-data.ts';
import { tlsMaterialFor } from './tls-secret.ts';

const DOCKER_CONFIG = '.dockerconfigjson';
/** Of a user name, a password or a token. */
const MAX_CREDENTIAL_LENGTH = 64 * 1024;

/** A repository of a registry. */
export interface RegistryPlace {
  readonly host: string;
  readonly repository: string;
}

/** As whom a registry is asked. */
export interface RegistryLogin {
  readonly access: RegistryAccess;
  /** Why it is asked as nobody although a Secret is named; for a registry that then refuses. */
  readonly missing?: string;
}

/**
 * Who asks a registry: nobody without `pullSecretRef`, and where its docker config has no entry for the place, as
 * everywhere where such configs are used: one Secret can hold the logins of a module and of what it imports.
 * @throws SourceError, and what the context's reader throws
 */
export async function registryLogin(
  ref: CueRef,
  place: RegistryPlace,
  context: SourceContext,
  signal: AbortSignal,
): Promise<RegistryLogin> {
  const tls = await tlsMaterialFor(ref, place.host, context, signal);
  const secret = await namedSecret(ref, 'pullSecretRef', context, signal);
  const found = secret === undefined ? {} : registryCredentials(secret, place);
  const { credentials } = found;
  return {
    access: {
      ...(credentials === undefined ? {} : { credentials }),
      ...(tls === undefined ? {} : { tls }),
    },
    ...(found.missing === undefined ? {} : { missing: found.missing }),
  };
}

interface FoundCredentials {
  readonly credentials?: RegistryCredentials;
  readonly missing?: string;
}

/** @throws SourceError where the Secret is bound to other hosts, or what it has can't be read */
function registryCredentials(secret: SecretData, { host, repository }: RegistryPlace): FoundCredentials {
  checkHost(secret, host);
  const config = secret.text(DOCKER_CONFIG);
  if (config === undefined) {
    if (secret.text('username') !== undefined) return { credentials: usernameAndPassword(secret) };
    throw invalid(`${secret.title} has neither ${DOCKER_CONFIG} nor username and password`);
  }
  const login = dockerLogin(config, host, repository);
  switch (login.state) {
    case 'found':
      return { credentials: { username: login.username, password: login.password } };
    case 'invalid':
      throw invalid(`${DOCKER_CONFIG} of ${secret.title} ${login.problem}`);
    case 'none': {
      const known =
        login.entries.length === 0 ? 'none' : `those for ${login.entries.slice(0, 20).join(', ')}`;
      return { missing: `${secret.title} has no login for ${host}/${repository}: it has ${known}` };
    }
  }
}

/**
 * What a Secret has for a registry that a module imports from; undefined where it has nothing for it.
 * @param isOwnHost the registry is the one of the reference that names the Secret
 * @throws SourceError `SOURCE_INVALID` where what it has can't be read
 */
export function optionalRegistryCredentials(
  secret: SecretData,
  place: RegistryPlace,
  isOwnHost: boolean,
): RegistryCredentials | undefined {
  const config = secret.text(DOCKER_CONFIG);
  if (config === undefined) {
    const isMeant = isFor(secret, place.host, isOwnHost) && secret.text('username') !== undefined;
    return isMeant ? usernameAndPassword(secret) : undefined;
  }
  return isFor(secret, place.host, true) ? registryCredentials(secret, place).credentials : undefined;
}

/** A repository of a git server. */
export interface GitPlace {
  /** With the port where the reference has one. */
  readonly host: string;
  readonly transport: 'https' | 'ssh';
}

/** Who asks a git server: anonymous without `pullSecretRef`. @throws as {@link registryLogin} */
export async function gitAccess(
  ref: CueRef,
  place: GitPlace,
  context: SourceContext,
  signal: AbortSignal,
): Promise<GitAccess> {
  const tls = await tlsMaterialFor(ref, place.host, context, signal);
  const secret = await namedSecret(ref, 'pullSecretRef', context, signal);
  return {
    ...(secret === undefined ? {} : { credentials: gitCredentials(secret, place) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** @throws SourceError where the Secret has nothing for this way of asking */
export function gitCredentials(secret: SecretData, { host, transport }: GitPlace): GitCredentials {
  checkHost(secret, host);
  return transport === 'ssh' ? sshKey(secret) : httpsCredentials(secret);
}

function httpsCredentials(secret: SecretData): GitCredentials {
  const token = secret.text('bearerToken');
  if (token !== undefined) return { type: 'bearer', token: checked(secret, 'bearerToken', token.trim()) };
  if (secret.text('username') !== undefined || secret.text('password') !== undefined)
    return { type: 'basic', ...usernameAndPassword(secret) };
  throw invalid(`${secret.title} has neither username and password nor bearerToken, which https takes`);
}

function sshKey(secret: SecretData): GitCredentials {
  const privateKey = secret.text('identity') ?? secret.text('ssh-privatekey');
  const knownHosts = secret.text('known_hosts');
  if (privateKey === undefined || privateKey.trim() === '')
    throw invalid(`${secret.title} has neither identity nor ssh-privatekey, which ssh takes`);
  if (knownHosts === undefined || knownHosts.trim() === '')
    throw invalid(`${secret.title} has no known_hosts: without it nobody knows whom the key is shown to`);
  const passphrase = withoutNewline(secret.text('password') ?? '');
  return { type: 'ssh', privateKey, knownHosts, ...(passphrase === '' ? {} : { passphrase }) };
}

function usernameAndPassword(secret: SecretData): RegistryCredentials {
  const username = secret.text('username');
  const password = secret.text('password');
  if (username === undefined || password === undefined)
    throw invalid(`${secret.title} has only one of username and password`);
  return {
    username: checked(secret, 'username', withoutNewline(username)),
    password: checked(secret, 'password', withoutNewline(password)),
  };
}

/** An editor's newline at the end is in many a Secret, and in no password. */
function withoutNewline(value: string): string {
  return value.replace(/\r?\n$/, '');
}

/** What goes into a header: one line, of some length. */
function checked({ title }: SecretData, key: string, value: string): string {
  if (value.length > MAX_CREDENTIAL_LENGTH) throw invalid(`${key} of ${title} is too long`);
  if (/[\r\n\0]/.test(value)) throw invalid(`${key} of ${title} has more than one line`);
  return value;
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message);
}
