// The keys that a tenant expects of ssh servers, in the format of OpenSSH's `known_hosts`. A host is asked only with a key
// that is listed for it; there is no first use.
import { createHash, createHmac } from 'node:crypto';

/** - `other`: the host is listed, with other keys. - `unknown`: it is not. */
export type HostKeyVerdict = 'known' | 'other' | 'revoked' | 'unknown';

interface HostLine {
  readonly marker: '@cert-authority' | '@revoked' | undefined;
  readonly patterns: readonly string[];
  readonly key: Buffer;
}

const MAX_LENGTH = 256 * 1024;
const DEFAULT_PORT = 22;

export class KnownHosts {
  readonly #lines: readonly HostLine[];

  /** Lines that can't be read are as good as absent. */
  constructor(text: string) {
    const lines = text.slice(0, MAX_LENGTH).split('\n');
    this.#lines = lines.flatMap((line) => parseLine(line.trim()) ?? []);
  }

  judge(host: string, port: number, key: Buffer): HostKeyVerdict {
    const lines = this.#linesOf(host, port);
    if (lines.some((line) => line.marker === '@revoked' && line.key.equals(key))) return 'revoked';
    const plain = lines.filter(({ marker }) => marker === undefined);
    if (plain.some((line) => line.key.equals(key))) return 'known';
    return plain.length === 0 ? 'unknown' : 'other';
  }

  /** Kinds of the keys that are listed for a host, so that the server is asked for one of them. */
  keyTypes(host: string, port: number): readonly string[] {
    const plain = this.#linesOf(host, port).filter(({ marker }) => marker === undefined);
    return [...new Set(plain.map(({ key }) => keyType(key)))];
  }

  /** Whether there is only an authority for the host, which is not followed. */
  hasOnlyAuthority(host: string, port: number): boolean {
    const lines = this.#linesOf(host, port).filter(({ marker }) => marker !== '@revoked');
    return lines.length > 0 && lines.every(({ marker }) => marker === '@cert-authority');
  }

  #linesOf(host: string, port: number): readonly HostLine[] {
    const name = port === DEFAULT_PORT ? host : `[${host}]:${port}`;
    return this.#lines.filter(({ patterns }) => hasHost(patterns, name));
  }
}

/** As OpenSSH shows it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The first field of a key in ssh's format. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  return key.toString('latin1', 4, 4 + Math.min(key.readUInt32BE(0), 64));
}

function parseLine(line: string): HostLine | undefined {
  if (line === '' || line.startsWith('#')) return undefined;
  const fields = line.split(/[ \t]+/);
  const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
  if (marker !== undefined && marker !== '@cert-authority' && marker !== '@revoked') return undefined;
  const [patterns, type, encoded] = fields;
  if (patterns === undefined || type === undefined || encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  return keyType(key) === type ? { marker, patterns: patterns.split(','), key } : undefined;
}

/** A pattern with `!` that matches excludes the host, whatever else matches. */
function hasHost(patterns: readonly string[], name: string): boolean {
  let isListed = false;
  for (const pattern of patterns) {
    const isExclusion = pattern.startsWith('!');
    const isMatch = matches(isExclusion ? pattern.slice(1) : pattern, name);
    if (isMatch && isExclusion) return false;
    isListed ||= isMatch;
  }
  return isListed;
}

function matches(pattern: string, name: string): boolean {
  const [, salt, hash] = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(pattern) ?? [];
  if (salt !== undefined && hash !== undefined) {
    return createHmac('sha1', Buffer.from(salt, 'base64'))
      .update(name)
      .digest()
      .equals(Buffer.from(hash, 'base64'));
  }
  return isGlobMatch(pattern.toLowerCase(), name);
}

/** `*` and `?`. Goes back to the last star only, so that no pattern takes long. */
function isGlobMatch(pattern: string, text: string): boolean {
  let [at, star, resume, next] = [0, -1, 0, 0];
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (pattern[next] === '?' || pattern[next] === text[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}
