import type { TestAuthority } from './authority.ts';
import type { Interceptor, Listener } from './listener.ts';
import type { Site } from './site.ts';

/** What all servers over HTTP have in common. Each listens on a port of 127.0.0.1. */
export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly port: number;
  /** `http://` or `https://` and {@link TestServer.host}. */
  readonly url: string;
  /** The authority that clients must trust, and a file with it; undefined over plain HTTP. */
  readonly caPem: string | undefined;
  readonly caFile: string | undefined;
  /** Forgets all requests so far: counts begin afresh. */
  forget(): void;
  /** Has requests answered in place of the server (errors, delays, nonsense) until it is called with undefined. */
  intercept(interceptor: Interceptor | undefined): void;
  /** Cuts all connections and refuses new ones until {@link TestServer.bringBack}; what it holds stays. */
  takeDown(): Promise<void>;
  bringBack(): Promise<void>;
  /** Stops it and removes what it holds. May be called again. */
  stop(): Promise<void>;
}

/** What a server is made of. */
export interface Parts {
  readonly site: Site;
  readonly listener: Listener;
  readonly tls: TestAuthority | undefined;
  /** Lets go of what belongs to neither. */
  readonly release?: () => void;
}

/** The common face of a server. */
export async function createTestServer({ site, listener, tls, release }: Parts): Promise<TestServer> {
  const caFile = tls === undefined ? undefined : await site.write('ca.crt', tls.caPem);
  const close = async (): Promise<void> => {
    await listener.takeDown();
    release?.();
    await site.close();
  };
  let closing: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  return {
    host: listener.host,
    port: listener.port,
    url: listener.url,
    caPem: tls?.caPem,
    caFile,
    forget: () => void listener.seen.splice(0),
    intercept: (interceptor) => listener.intercept(interceptor),
    takeDown: () => listener.takeDown(),
    bringBack: () => listener.bringBack(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** How often each key occurs. */
export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
