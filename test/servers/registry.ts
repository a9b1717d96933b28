// The registry of the CNCF, as it is run everywhere, behind a front in this process that ends TLS, counts, and can be
// taken down. The registry itself listens on a socket in its directory only.
import { mkdir } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { ensureRegistry } from '../control-plane/index.ts';
import type { TestAuthority } from './authority.ts';
import { createFront } from './front.ts';
import { Listener } from './listener.ts';
import { Site } from './site.ts';
import { countBy, createTestServer, type TestServer } from './test-server.ts';

/** Name and password of somebody who may read and write where a registry asks for them. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** What a registry with basic authentication knows; hashes of other passwords would have to be computed. */
export const ACCOUNTS: { readonly publisher: Account; readonly reader: Account } = {
  publisher: { username: 'publisher', password: 'open-sesame' },
  reader: { username: 'reader', password: 'let-me-read' },
};

const HTPASSWD = `publisher:$2a$04$cUwjaMjo4lao2Frezl4lfO6RCAzBe.sZJ.8T7H2rSiPAwccqxiysO
reader:$2a$04$WTESPmQjKBzDWgZo7TEU2OSo0WbAkoe8t6dnq3rCskdkMVkjIqPoe
`;

/** Where a registry sends clients for a token, and whose tokens it takes. */
export interface TokenIssuer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The public keys, as a JSON Web Key Set. */
  readonly keySet: string;
}

export interface RegistryOptions {
  /** Speak TLS with a certificate of this authority; by default plain HTTP. */
  readonly tls?: TestAuthority;
  /** Whom to let in: by default everybody; `basic` knows the {@link ACCOUNTS}. */
  readonly auth?: 'none' | 'basic' | TokenIssuer;
}

/** What a request to a registry was about. */
export type RegistryRequestKind =
  | 'base'
  | 'manifest'
  | 'blob'
  | 'upload'
  | 'tags'
  | 'catalog'
  | 'referrers'
  | 'other';

export interface RegistryRequest {
  readonly method: string;
  readonly kind: RegistryRequestKind;
  /** Empty where the request is about none. */
  readonly repository: string;
  /** Tag or digest, where there is one. */
  readonly reference: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the answer; undefined while there is none. */
  readonly status: number | undefined;
}

/** A running registry. Its {@link TestServer.host} is the first part of references. */
export interface Registry extends TestServer {
  /** All requests so far, or since {@link TestServer.forget}. */
  requests(): readonly RegistryRequest[];
  /**
   * Requests by method and kind: `{ 'GET manifest': 1, 'GET blob': 1 }`. Those that were answered with 401, by which
   * clients learn how to log in, are counted as `challenge`.
   */
  counts(): Readonly<Record<string, number>>;
}

/** Starts a registry from which manifests can be deleted; what it stores goes with it. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const command = await ensureRegistry();
  return await Site.startIn('registry', (site) => start(command, site, options));
}

async function start(
  command: string,
  site: Site,
  { tls, auth = 'none' }: RegistryOptions,
): Promise<Registry> {
  await mkdir(site.path('storage'));
  const socket = site.path('registry.sock');
  const config = {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: site.path('storage') }, delete: { enabled: true } },
    http: { net: 'unix', addr: socket, secret: 'of-one-instance' },
    ...(await authSection(site, auth)),
  };
  const configPath = await site.write('config.yml', JSON.stringify(config));
  await site.run({ name: 'registry', command, args: ['serve', configPath] }, socket);
  const front = createFront(socket);
  const listener = await Listener.start(front.handle, tls?.issue());
  const server = await createTestServer({ site, listener, tls, release: front.close });
  const requests = (): RegistryRequest[] => listener.seen.map((seen) => ({ ...classify(seen.url), ...seen }));
  return {
    ...server,
    requests,
    counts: () =>
      countBy(requests(), ({ method, kind, status }) => (status === 401 ? 'challenge' : `${method} ${kind}`)),
  };
}

async function authSection(site: Site, auth: 'none' | 'basic' | TokenIssuer): Promise<object> {
  if (auth === 'none') return {};
  if (auth === 'basic') {
    const path = await site.write('htpasswd', HTPASSWD);
    return { auth: { htpasswd: { realm: 'pequod-test', path } } };
  }
  const { realm, service, issuer, keySet } = auth;
  const jwks = await site.write('keys.json', keySet);
  return { auth: { token: { realm, service, issuer, jwks, signingalgorithms: ['ES256'] } } };
}

type Subject = Pick<RegistryRequest, 'kind' | 'repository' | 'reference'>;

const ROUTES: readonly (readonly [RegExp, RegistryRequestKind])[] = [
  [/^\/v2\/$/, 'base'],
  [/^\/v2\/_catalog$/, 'catalog'],
  [/^\/v2\/(.+)\/tags\/list$/, 'tags'],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, 'manifest'],
  [/^\/v2\/(.+)\/blobs\/uploads\/.*$/, 'upload'],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, 'blob'],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, 'referrers'],
];

function classify(url: string): Subject {
  const path = url.split('?')[0] ?? '';
  for (const [pattern, kind] of ROUTES) {
    const match = pattern.exec(path);
    if (match !== null) return { kind, repository: match[1] ?? '', reference: match[2] ?? '' };
  }
  return { kind: 'other', repository: '', reference: '' };
}
