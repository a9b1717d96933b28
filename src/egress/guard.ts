// Connections to the world outside of the API server. A name is resolved once, what it resolves to is checked, and the
// connection is made to exactly that: a name server that answers differently the second time changes nothing. The one
// way around is a proxy that an administrator names; its settings in the environment are not read. A host behind it is
// held against the same rules, as far as they can be known here: what resolves to an address that may not be called is not
// asked of the proxy either.
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { HostList } from './host-list.ts';
import { type EgressProxy, openTunnel } from './proxy.ts';
import { EgressError, EgressRules } from './rules.ts';
import { openTcp, openTls, type TlsWish } from './sockets.ts';

/** Longest that a connection, TLS included, may take to come up. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Longest that a name is looked up here that a proxy will look up again. */
const PROXIED_LOOKUP_TIMEOUT_MS = 2_000;

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks for the addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

export interface EgressGuardOptions {
  /** What is let through besides public addresses: see {@link EgressRules}. */
  readonly allow?: readonly string[];
  /** Where given, nothing else is called: host names, `*.domain`, or CIDR ranges. */
  readonly only?: readonly string[];
  /** What all connections go through, but for those to `noProxy`. */
  readonly proxy?: EgressProxy;
  /** Hosts that are called directly: host names, `*.domain`, or CIDR ranges. */
  readonly noProxy?: readonly string[];
  /** The system's resolver by default. */
  readonly resolve?: Resolve;
}

export interface EgressTarget {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Speak TLS, and offer these protocols. */
  readonly tls?: TlsWish;
}

/** Opens sockets to where they may go. */
export class EgressGuard {
  readonly #rules: EgressRules;
  readonly #proxy: EgressProxy | undefined;
  readonly #noProxy: HostList;
  readonly #resolve: Resolve;

  /** @throws Error where a rule can't be read. */
  constructor(options: EgressGuardOptions = {}) {
    this.#rules = new EgressRules(options.allow, options.only);
    this.#proxy = options.proxy;
    this.#noProxy = new HostList(options.noProxy);
    this.#resolve = options.resolve ?? resolveBySystem;
  }

  /**
   * The addresses of a host that may be called, never none.
   * @throws EgressError: `EGRESS_REFUSED` where none may, `EGRESS_UNRESOLVED` where the name leads nowhere.
   */
  async addressesOf(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
    const found = isIP(host) === 0 ? await this.#resolved(host, signal) : [literal(host)];
    let refusal: unknown;
    const allowed = found.filter(({ address }) => {
      try {
        this.#rules.check(host, address);
        return true;
      } catch (error) {
        refusal ??= error;
        return false;
      }
    });
    if (allowed.length > 0) return allowed;
    throw refusal ?? unresolved(host, 'it has no address');
  }

  /** A connected socket. @throws EgressError, and what the network says. */
  async connect({ host, port, tls }: EgressTarget, signal: AbortSignal): Promise<Socket> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    const proxy = (await this.#isDirect(host, limit)) ? undefined : this.#proxy;
    const socket =
      proxy === undefined
        ? await openTcp({ host, port, lookup: pinned(await this.addressesOf(host, limit)) }, limit)
        : await openTcp({ host: proxy.host, port: proxy.port }, limit);
    if (proxy !== undefined) await openTunnel(socket, proxy, { host, port }, limit);
    return tls === undefined ? socket : await openTls(socket, host, tls, limit);
  }

  /** Whether a host is called past the proxy. @throws EgressError where it may not be called through it. */
  async #isDirect(host: string, signal: AbortSignal): Promise<boolean> {
    if (this.#proxy === undefined || this.#noProxy.hasHost(host)) return true;
    const found = isIP(host) === 0 ? await this.#resolvedHere(host, signal) : [literal(host)];
    if (found.some(({ address }) => this.#noProxy.hasAddress(address))) return true;
    // Which of several addresses is called is the proxy's to choose, so all of them must be allowed.
    for (const { address } of found) this.#rules.check(host, address);
    if (found.length === 0) this.#rules.checkName(host);
    return false;
  }

  /** The addresses as far as they can be known here: behind a proxy, names of the world outside often lead nowhere. */
  async #resolvedHere(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PROXIED_LOOKUP_TIMEOUT_MS)]);
    try {
      return await this.#resolved(host, limit);
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted || (error instanceof EgressError && error.code === 'EGRESS_UNRESOLVED')) return [];
      throw error;
    }
  }

  async #resolved(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
    this.#rules.checkLookup(host);
    let endWait: (() => void) | undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      endWait = (): void => reject(signal.reason);
      signal.addEventListener('abort', endWait, { once: true });
    });
    try {
      signal.throwIfAborted();
      return await Promise.race([this.#resolve(host), aborted]);
    } catch (error) {
      signal.throwIfAborted();
      // Which names exist is not told of hosts that may not be called.
      this.#rules.checkListed(host);
      throw unresolved(host, messageOf(error, 128), error);
    } finally {
      if (endWait !== undefined) signal.removeEventListener('abort', endWait);
    }
  }
}

async function resolveBySystem(host: string): Promise<readonly ResolvedAddress[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

function literal(address: string): ResolvedAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

/** Stands in for the resolver of a socket: it has been asked already. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
  };
}

function unresolved(host: string, why: string, cause?: unknown): EgressError {
  return new EgressError(`${host} can't be resolved: ${why}`, {
    code: 'EGRESS_UNRESOLVED',
    reason: 'HostUnresolved',
    retry: 'backoff',
    cause,
  });
}
