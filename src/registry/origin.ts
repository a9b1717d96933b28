// Which host is asked how, and what it may be told. Credentials and a client's certificate are for the registry's own
// origin; whoever it points at is a stranger.
import { getCACertificates } from 'node:tls';
import type { TlsMaterial } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { RegistryAccess } from './access.ts';
import type { OciReference } from './reference.ts';

/** Hosts that are asked over plain http, and no others: with a port that one, without any. */
export class PlainHosts {
  readonly #hosts: ReadonlySet<string>;

  constructor(hosts: readonly string[] = []) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** @param host with its port where it has one */
  has(host: string): boolean {
    return this.#hosts.has(host) || this.#hosts.has(host.replace(/:\d+$/, ''));
  }
}

/** The address of something in a reference's repository; `path` begins behind the repository's slash. */
export function repositoryUrl({ host, repository }: OciReference, path: string, plainHosts: PlainHosts): URL {
  return new URL(`${plainHosts.has(host) ? 'http' : 'https'}://${host}/v2/${repository}/${path}`);
}

/**
 * Where a registry sends us, from `from`.
 * @throws SourceError `SOURCE_REFUSED` where that would be less safe, `SOURCE_INVALID` where it leads nowhere.
 */
export function nextUrl(location: string, from: URL, shown: string, plainHosts: PlainHosts): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next === undefined || !/^https?:$/.test(next.protocol) || next.username !== '' || next.password !== '')
    throw new SourceError(
      'SOURCE_INVALID',
      `${shown}: ${from.host} points at what is no address of http or https`,
    );
  if (next.protocol === 'http:' && (from.protocol === 'https:' || !plainHosts.has(next.host)))
    throw new SourceError(
      'SOURCE_REFUSED',
      `${shown}: ${from.host} points at plain http of ${next.host}, which is not asked`,
    );
  return next;
}

/** What TLS is done with at the registry itself, or at a host that it points at. */
export function tlsFor({ tls }: RegistryAccess, isHome: boolean): { readonly tls?: TlsMaterial } {
  if (tls === undefined) return {};
  if (isHome) return { tls };
  // Storage that the registry points at may be of the same private authority, or of a public one.
  return tls.ca === undefined ? {} : { tls: { ca: [tls.ca, ...getCACertificates('default')].join('\n') } };
}
