// Who we say that we are. A password goes to the registry's own host, or to the token server on that host; to a token
// server elsewhere only where an administrator says that the two belong together. Tokens are kept for as long as they
// hold, by registry, repository, what they allow, and whose they are.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EgressHttp } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import { isJsonObject, parseJsonIfAny } from '../json/index.ts';
import type { RegistryAccess, RegistryCredentials, TrustedRealm } from './access.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { RegistryUnavailable, sourceErrorOf, statusError } from './failures.ts';
import { type PlainHosts, repositoryUrl, tlsFor } from './origin.ts';
import { formatOciReference, type OciReference } from './reference.ts';

const MAX_KEPT = 2_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TOKEN_LENGTH = 12 * 1024;
/** Where the token server does not say, as the specification has it. */
const DEFAULT_LIFETIME_S = 60;
const MAX_LIFETIME_S = 3_600;
/** Of a token's life that is used. */
const USED_LIFETIME = 0.9;

/** Registries whose token servers are known to be elsewhere. */
const KNOWN_REALMS: readonly TrustedRealm[] = [
  { registry: 'registry-1.docker.io', realm: 'auth.docker.io' },
  { registry: 'registry.gitlab.com', realm: 'gitlab.com' },
];

export type Actions = 'pull' | 'pull,push';

/** What is asked for, and as whom. */
export interface Claim {
  readonly reference: OciReference;
  readonly actions: Actions;
  readonly access: RegistryAccess;
}

export interface AuthorizerOptions {
  readonly http: EgressHttp;
  readonly plainHosts: PlainHosts;
  readonly trustedRealms: readonly TrustedRealm[];
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  /** The time of the day in milliseconds. */
  readonly now: () => number;
}

interface Kept {
  readonly header: string;
  readonly endsAt: number;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #trusted: ReadonlySet<string>;
  readonly #kept = new LRUCache<string, Kept>({ max: MAX_KEPT });

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    const realms = [...KNOWN_REALMS, ...options.trustedRealms];
    this.#trusted = new Set(realms.map(({ registry, realm }) => `${registry} ${realm}`));
  }

  /** The Authorization header that worked before, while it holds. */
  known(claim: Claim): string | undefined {
    const kept = this.#kept.get(keyOf(claim));
    return kept !== undefined && kept.endsAt > this.#options.now() ? kept.header : undefined;
  }

  forget(claim: Claim): void {
    this.#kept.delete(keyOf(claim));
  }

  /**
   * The Authorization header that the lines of a WWW-Authenticate header ask for.
   * @throws SourceError `SOURCE_AUTH`, `SOURCE_REFUSED`, `SOURCE_UNAVAILABLE`, and what the network says.
   */
  async answer(claim: Claim, lines: readonly string[], signal: AbortSignal): Promise<string> {
    const challenges = parseChallenges(lines);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) return await this.#bearer(claim, bearer, signal);
    const { reference, access } = claim;
    const shown = formatOciReference(reference);
    if (!challenges.some(({ scheme }) => scheme === 'basic'))
      throw new SourceError(
        'SOURCE_AUTH',
        `${shown}: ${reference.host} wants neither a password nor a token, but something else`,
      );
    if (access.credentials === undefined)
      throw new SourceError(
        'SOURCE_AUTH',
        `${shown}: ${reference.host} wants credentials, and there are none for it`,
      );
    return this.#keep(claim, basic(access.credentials), MAX_LIFETIME_S);
  }

  async #bearer(claim: Claim, { parameters }: Challenge, signal: AbortSignal): Promise<string> {
    const { reference, actions, access } = claim;
    const shown = formatOciReference(reference);
    const url = this.#realmOf(claim, parameters.get('realm') ?? '');
    const service = parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', parameters.get('scope') ?? `repository:${reference.repository}:${actions}`);
    const { credentials } = access;
    const { timeoutMs, idleTimeoutMs, http, plainHosts, now } = this.#options;
    const request = {
      method: 'GET',
      url,
      headers: {
        accept: 'application/json',
        ...(credentials === undefined ? {} : { authorization: basic(credentials) }),
      },
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs,
      idleTimeoutMs,
      ...tlsFor(access, url.host === hostOf(reference, plainHosts)),
    } as const;
    const asked = { shown, host: url.host, hasCredentials: credentials !== undefined };
    const answer = await http.send(request, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw sourceErrorOf(error, asked);
    });
    const status = answer.statusCode;
    if (status >= 300 && status < 400)
      throw new SourceError(
        'SOURCE_REFUSED',
        `${shown}: the token server ${url.host} redirects, which is not followed`,
      );
    if (status !== 200) {
      const retryAfter = answer.headers.get('retry-after')?.[0];
      throw statusError(
        { status, codes: [], ...(retryAfter === undefined ? {} : { retryAfter }) },
        asked,
        now(),
      );
    }
    const { token, lifetimeS } = readToken(answer.body, `${shown}: the token server ${url.host}`);
    return this.#keep(claim, `Bearer ${token}`, lifetimeS);
  }

  /** @throws SourceError where the token server may not be asked. */
  #realmOf({ reference, access }: Claim, realm: string): URL {
    const { host } = reference;
    const shown = formatOciReference(reference);
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
      throw new RegistryUnavailable(`${shown}: ${host} names a token server whose address can't be read`);
    const { plainHosts } = this.#options;
    if (url.protocol === 'http:' && !(plainHosts.has(host) && plainHosts.has(url.host)))
      throw new SourceError(
        'SOURCE_REFUSED',
        `${shown}: ${host} names a token server of plain http, ${url.host}, which is not asked`,
      );
    const isHome = url.host === hostOf(reference, plainHosts);
    if (access.credentials !== undefined && !isHome && !this.#trusted.has(`${host} ${url.host}`))
      throw new SourceError(
        'SOURCE_REFUSED',
        `${shown}: ${host} wants the credentials sent to another host, ${url.host}; an administrator can allow it with --registry-realm ${host}=${url.host}`,
      );
    url.hash = '';
    return url;
  }

  #keep(claim: Claim, header: string, lifetimeS: number): string {
    const endsAt = this.#options.now() + Math.min(lifetimeS, MAX_LIFETIME_S) * 1_000 * USED_LIFETIME;
    this.#kept.set(keyOf(claim), { header, endsAt });
    return header;
  }
}

/** As a URL has it: without a port that goes without saying. */
function hostOf(reference: OciReference, plainHosts: PlainHosts): string {
  return repositoryUrl(reference, '', plainHosts).host;
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function readToken(body: Buffer, subject: string): { readonly token: string; readonly lifetimeS: number } {
  const parsed = parseJsonIfAny(body.toString('utf8')) ?? {};
  const value = isJsonObject(parsed) ? parsed : {};
  const token = value['token'] ?? value['access_token'];
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !/^[\x21-\x7e]+$/.test(token))
    throw new RegistryUnavailable(`${subject} answers without a token that can be used`);
  const seconds = value['expires_in'];
  return { token, lifetimeS: typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFETIME_S };
}

function keyOf({ reference: { host, repository }, actions, access: { credentials, tls } }: Claim): string {
  const who = [credentials?.username, credentials?.password, tls?.ca, tls?.cert, tls?.key];
  const hash = createHash('sha256').update(JSON.stringify(who.map((part) => part ?? null)));
  return `${host} ${repository} ${actions} ${hash.digest('base64')}`;
}
