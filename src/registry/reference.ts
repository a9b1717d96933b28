// References by the grammar of the distribution specification. They are strict: what another client might read otherwise
// (capital letters, a name without a host) is an error that says what is wrong. An authority with `@` in it is never
// quoted, as it may hold a password.
import { isIP } from 'node:net';
import { isUrlHost } from '../egress/index.ts';
import { messageOf, SourceError } from '../errors.ts';
import { isDigest } from './digest.ts';

const SCHEME = 'oci://';
const MAX_LENGTH = 1024;
const MAX_REPOSITORY_LENGTH = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const HOST_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** Where Docker Hub's registry really is, and the names that it goes by. */
const DOCKER_HUB = 'registry-1.docker.io';
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', DOCKER_HUB]);

/** Where an artefact is: `oci://host[:port]/repository`, with a tag, a digest, or neither. */
export interface OciReference {
  /** With the port where there is one; lower case. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:<64 hex digits>`, or sha512. Wins over the tag. */
  readonly digest?: string;
}

/** Reads `oci://host[:port]/repository[:tag][@digest]`. @throws SourceError `SOURCE_INVALID`, which says what is wrong. */
export function parseOciReference(text: string): OciReference {
  if (text.length > MAX_LENGTH) throw invalid(`a reference has at most ${MAX_LENGTH} characters`);
  if (!text.startsWith(SCHEME)) throw invalid(`a reference begins with ${SCHEME}`);
  const rest = text.slice(SCHEME.length);
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  if (slash < 0 ? /@(?!sha\d+:)/.test(authority) : authority.includes('@')) throw credentialsInside();
  if (slash < 0) throw invalid(`${SCHEME}${shown(authority)} names a registry, but no repository in it`);
  const host = registryHost(authority);
  // A password with a slash in it ends the authority early.
  if (host === undefined && rest.includes('@')) throw credentialsInside();
  if (host === undefined) throw invalid(`${shown(authority)} is no host of a registry`);
  return { host, ...readPath(rest.slice(slash + 1), host) };
}

/** The reference as it is written. */
export function formatOciReference({ host, repository, tag, digest }: OciReference): string {
  const tagged = tag === undefined ? '' : `:${tag}`;
  return `${SCHEME}${host}/${repository}${tagged}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * The host by which a registry is known here: lower case, and Docker Hub's own where one of its names is written. Keys of
 * a docker config, such as `https://index.docker.io/v1/`, are read, too. Undefined where it is no host.
 */
export function registryHost(text: string): string | undefined {
  const bare = text.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  const host = bare.toLowerCase();
  const [, name = '', port] = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(host) ?? [];
  const isName = name.startsWith('[')
    ? isIP(name.slice(1, -1)) === 6
    : HOST_NAME.test(name) && isUrlHost(name);
  if (!isName || name.length > 253) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  return DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host;
}

/** Whether `text` can be a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

function readPath(path: string, host: string): Omit<OciReference, 'host'> {
  if (/[?#]/.test(path)) throw invalid(`${shown(path)}: a reference has neither a query nor a fragment`);
  const at = path.indexOf('@');
  const digest = at < 0 ? undefined : path.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw invalid(`${shown(digest)} is no digest: sha256: and 64 digits of 0-9 and a-f`);
  const named = at < 0 ? path : path.slice(0, at);
  const colon = named.indexOf(':');
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !isTag(tag))
    throw invalid(`${shown(tag)} is no tag: at most 128 letters, digits, and ._- behind the first`);
  return {
    repository: repositoryOf(colon < 0 ? named : named.slice(0, colon), host),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function repositoryOf(name: string, host: string): string {
  if (name === '') throw invalid(`${SCHEME}${host} names a registry, but no repository in it`);
  if (name.length > MAX_REPOSITORY_LENGTH)
    throw invalid(`a repository has at most ${MAX_REPOSITORY_LENGTH} characters`);
  if (/[A-Z]/.test(name)) throw invalid(`${shown(name)}: a repository has no capital letters`);
  if (!name.split('/').every((component) => COMPONENT.test(component)))
    throw invalid(
      `${shown(name)} is no repository: letters a-z and digits, with . _ - between them, in parts with / between them`,
    );
  return host === DOCKER_HUB && !name.includes('/') ? `library/${name}` : name;
}

function shown(text: string): string {
  return JSON.stringify(messageOf(text, 128));
}

function credentialsInside(): SourceError {
  return invalid('a reference holds no user name or password: put them into a Secret for pullSecretRef');
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message, { retry: 'never' });
}
