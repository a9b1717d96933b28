// Connections to the world outside of the API server. A name is resolved once, what it resolves to is checked, and the
// connection is made to exactly that: a name server that answers differently the second time changes nothing. There is
// no way around through a proxy either: its settings in the environment are not read.
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../errors.ts';
import { EgressError, EgressRules } from './rules.ts';

/** Longest that a connection, TLS included, may take to come up. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks for the addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

export interface EgressGuardOptions {
  /** What is let through besides public addresses: see {@link EgressRules}. */
  readonly allow?: readonly string[];
  /** The system's resolver by default. */
  readonly resolve?: Resolve;
}

/** Whom TLS trusts, and who we are, in PEM. */
export interface TlsMaterial {
  /** In place of the authorities that the system trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface EgressTarget {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Speak TLS, and offer these protocols. */
  readonly tls?: { readonly protocols: readonly string[]; readonly material?: TlsMaterial };
}

/** Opens sockets to where they may go. */
export class EgressGuard {
  readonly #rules: EgressRules;
  readonly #resolve: Resolve;

  /** @throws Error where a rule can't be read. */
  constructor(options: EgressGuardOptions = {}) {
    this.#rules = new EgressRules(options.allow);
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
  async connect(target: EgressTarget, signal: AbortSignal): Promise<Socket> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    const addresses = await this.addressesOf(target.host, limit);
    limit.throwIfAborted();
    return await connected(target, pinned(addresses), limit);
  }

  async #resolved(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
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

async function connected(
  { host, port, tls }: EgressTarget,
  lookupPinned: LookupFunction,
  signal: AbortSignal,
): Promise<Socket> {
  const options = { host, port, lookup: lookupPinned, autoSelectFamily: true };
  const socket =
    tls === undefined
      ? connectTcp(options)
      : connectTls({
          ...options,
          ...tls.material,
          ALPNProtocols: [...tls.protocols],
          ...(isIP(host) === 0 ? { servername: host } : {}),
        });
  return await new Promise((resolve, reject) => {
    const end = (error: unknown): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(error);
    };
    const abort = (): void => end(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', end);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', end);
      resolve(socket);
    });
  });
}

function unresolved(host: string, why: string, cause?: unknown): EgressError {
  return new EgressError(`${host} can't be resolved: ${why}`, {
    code: 'EGRESS_UNRESOLVED',
    reason: 'HostUnresolved',
    retry: 'backoff',
    cause,
  });
}
