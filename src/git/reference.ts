// References to git repositories. They come from tenants and end up in URLs and, over ssh, in the command line of the
// server, so everything is decoded exactly once, checked after that, and only then put together again.
import { isIP } from 'node:net';
import { isUrlHost } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import { isPlainHttpHost } from './plain-http.ts';
import { invalidRefName } from './ref-name.ts';

export type GitTransportKind = 'http' | 'https' | 'ssh';

/** Where a module is in a git repository. */
export interface GitReference {
  readonly transport: GitTransportKind;
  /** Lower case; an IPv6 address without brackets. */
  readonly host: string;
  /** Absent: the transport's own. */
  readonly port?: number;
  /** ssh: who logs in. */
  readonly user?: string;
  /** Decoded. Over ssh with its leading slash where it has one: without it, the path starts at the user's home. */
  readonly path: string;
  /** Branch, tag, `refs/…` or commit; absent: the branch that the server's HEAD names. */
  readonly ref?: string;
  /** Folder in the repository, without slashes at the ends; absent: its root. */
  readonly folder?: string;
  /** The repository as messages name it: without ref, folder and credentials. */
  readonly place: string;
}

export interface GitReferenceOptions {
  /** Hosts that may be spoken to without TLS: with a port, or without for all of its ports. */
  readonly plainHttpHosts?: readonly string[];
}

const MAX_LENGTH = 2_048;
const FULL = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;
const SCP = /^(?:([^@/:?#]+)@)?([^@/:?#[\]]+|\[[0-9a-f:.]+\]):(?!\/\/)([^?#]*)(?:\?([^#]*))?$/i;
const HOST = /^[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?)*\.?$/;
const USER = /^[A-Za-z0-9_][-A-Za-z0-9_.+]{0,63}$/;
/** What a shell on the other side could take for more than a character of a path. */
const UNSAFE_IN_SSH_PATH = /['"`$\\!]/;

/**
 * Reads `https://host[:port]/path`, `ssh://user@host[:port]/path` or `user@host:path`, each with `?ref=` and `?path=`.
 * @throws SourceError `SOURCE_INVALID`, or `SOURCE_REFUSED` for http; the text is not repeated where it may hold a secret.
 */
export function parseGitReference(text: string, options: GitReferenceOptions = {}): GitReference {
  if (text.length > MAX_LENGTH) throw invalid(`it is longer than ${MAX_LENGTH} characters`);
  if (hasControls(text) || /\s/.test(text)) throw invalid('it holds a space or a control character');
  if (/^[a-z][a-z0-9+.-]*::/i.test(text)) {
    throw invalid('a remote helper (name::…) is never run: write the https or ssh URL alone');
  }
  const full = FULL.exec(text);
  if (full !== null) return fromUrl(full, options);
  if (text.includes('://')) throw invalid('it is no URL, or has a fragment');
  const scp = SCP.exec(text);
  if (scp === null) throw invalid('write https://host/path, ssh://user@host/path or user@host:path');
  const [, user, host = '', path = '', query] = scp;
  return sshReference({ user, host, port: undefined, path: decode(path, 'path'), query });
}

function fromUrl(match: RegExpExecArray, { plainHttpHosts = [] }: GitReferenceOptions): GitReference {
  const [, scheme = '', authority = '', rawPath = '', query] = match;
  const transport = schemeOf(scheme);
  const at = authority.lastIndexOf('@');
  const userInfo = at < 0 ? undefined : authority.slice(0, at);
  const { host, port } = hostAndPort(authority.slice(at + 1));
  const path = decode(rawPath, 'path');
  if (transport === 'ssh') {
    if (userInfo?.includes(':') === true) throw credentialsInUrl();
    const user = userInfo === undefined ? undefined : decode(userInfo, 'user');
    const fromHome = path.startsWith('~') ? path : `/${path}`;
    return sshReference({ user, host, port, path: fromHome, query });
  }
  if (userInfo !== undefined) throw credentialsInUrl();
  const checkedHost = checkHost(host);
  const withPort = hostText(checkedHost, port);
  if (transport === 'http' && !isPlainHttpHost(plainHttpHosts, checkedHost, port)) {
    throw new SourceError(
      'SOURCE_REFUSED',
      `http://${withPort} is not asked without TLS: an administrator can allow it with --plain-http-host ${withPort}`,
    );
  }
  const checkedPath = checkPath(path);
  return {
    transport,
    host: checkedHost,
    ...(port === undefined ? {} : { port }),
    path: checkedPath,
    ...queryOf(query),
    place: `${transport}://${withPort}/${checkedPath}`,
  };
}

interface SshParts {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly query: string | undefined;
}

function sshReference({ user, host, port, path, query }: SshParts): GitReference {
  if (user === undefined) throw invalid('over ssh it needs a user: write git@host');
  if (!USER.test(user)) throw invalid('its user is not a plain name');
  const checkedHost = checkHost(host.replace(/^\[|\]$/g, ''));
  const isAbsolute = path.startsWith('/');
  const checkedPath = `${isAbsolute ? '/' : ''}${checkPath(isAbsolute ? path.slice(1) : path)}`;
  if (UNSAFE_IN_SSH_PATH.test(checkedPath)) {
    throw invalid(`over ssh its path may not hold quotes or any of \\ $ !`);
  }
  return {
    transport: 'ssh',
    host: checkedHost,
    ...(port === undefined ? {} : { port }),
    user,
    path: checkedPath,
    ...queryOf(query),
    place: `ssh://${user}@${hostText(checkedHost, port)}/${checkedPath.replace(/^\//, '')}`,
  };
}

function schemeOf(scheme: string): GitTransportKind {
  const name = scheme.toLowerCase();
  if (name === 'https' || name === 'http' || name === 'ssh') return name;
  if (name === 'file') throw invalid('local files are never read: write an https or ssh URL');
  throw invalid(`${name}:// is not spoken: write an https or ssh URL`);
}

function hostAndPort(text: string): { readonly host: string; readonly port: number | undefined } {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::(\d{1,5}))?$/i.exec(text);
  if (match === null) throw invalid('its host is no name or address');
  const [, host = '', portText] = match;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) throw invalid(`port ${port} is out of range`);
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function hostText(host: string, port: number | undefined): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

function checkHost(host: string): string {
  const name = host.toLowerCase();
  if (isIP(name) === 0 && (name.length > 253 || !HOST.test(name) || !isUrlHost(name))) {
    throw invalid('its host is no name or address');
  }
  return name;
}

function checkPath(path: string): string {
  const trimmed = path.replace(/\/$/, '');
  if (trimmed === '') throw invalid('it names no repository: the path is empty');
  if (hasControls(trimmed) || trimmed.includes('\\')) {
    throw invalid('its path holds a control character or a backslash');
  }
  if (
    trimmed.split('/').some((part) => part === '' || part === '.' || part === '..' || part.startsWith('-'))
  ) {
    throw invalid('no part of its path may be empty, "." or "..", or start with a dash');
  }
  return trimmed;
}

function queryOf(query: string | undefined): Pick<GitReference, 'ref' | 'folder'> {
  const known: { ref?: string; folder?: string } = {};
  for (const parameter of query === undefined || query === '' ? [] : query.split('&')) {
    const equals = parameter.indexOf('=');
    const name = decode(equals < 0 ? parameter : parameter.slice(0, equals), 'query');
    const value = equals < 0 ? '' : decode(parameter.slice(equals + 1), 'query');
    const member = name === 'path' ? 'folder' : name;
    if (member !== 'ref' && member !== 'folder') {
      throw invalid(`it has a parameter ${JSON.stringify(name.slice(0, 64))}: there are ref and path`);
    }
    if (known[member] !== undefined) throw invalid(`it says ${name}= twice`);
    known[member] = value;
  }
  const { ref, folder } = known;
  const problem = ref === undefined ? undefined : invalidRefName(ref);
  if (problem !== undefined) throw invalid(problem);
  const checkedFolder = folder === undefined ? '' : folderOf(folder);
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(checkedFolder === '' ? {} : { folder: checkedFolder }),
  };
}

/** The root is the empty text. */
function folderOf(path: string): string {
  const folder = path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
  return folder === '' || folder === '.' ? '' : checkPath(folder);
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid(`its ${what} is not properly percent-encoded`, cause);
  }
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function credentialsInUrl(): SourceError {
  return invalid('it holds a user or a password: put credentials into a Secret and name it in pullSecretRef');
}

function invalid(why: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_INVALID', `the git reference can't be used: ${why}`, {
    retry: 'never',
    cause,
  });
}
