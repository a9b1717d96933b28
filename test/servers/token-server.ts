// A server of registry tokens, as the registry's specification has it: clients ask it with their credentials for a scope,
// and show the registry what they get. Both ways of asking are known: GET with basic authentication, POST as OAuth 2.
import { createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { createTokenKeys } from '../control-plane/index.ts';
import type { TestAuthority } from './authority.ts';
import { type Handler, Listener } from './listener.ts';
import type { Account, TokenIssuer } from './registry.ts';
import { Site } from './site.ts';
import { createTestServer, type TestServer } from './test-server.ts';

/** Somebody who may log in, and what they may do: by repository, or `folder/*` for all below a folder, or `*`. */
export interface TokenUser extends Account {
  readonly grants: Readonly<Record<string, readonly ('pull' | 'push' | 'delete')[]>>;
}

export interface TokenServerOptions {
  /** Speak TLS with a certificate of this authority; by default plain HTTP. */
  readonly tls?: TestAuthority;
  readonly users?: readonly TokenUser[];
  /** Repositories that may be pulled from without credentials; the patterns are those of grants. */
  readonly publicRepositories?: readonly string[];
  /** How long a token is good, 60 unless given. A registry tolerates clocks that are a minute apart. */
  readonly lifetimeSeconds?: number;
}

/** Somebody asked for a token. */
export interface TokenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Who it was, as claimed; undefined without credentials. */
  readonly username: string | undefined;
  /** As asked for: `repository:modules/app:pull`. */
  readonly scopes: readonly string[];
  /** Of the answer; undefined while there is none. */
  readonly status: number | undefined;
}

/** A running token server. */
export interface TokenServer extends TestServer {
  /** What a registry needs that trusts this server: `startRegistry({ auth: tokenServer.issuer })`. */
  readonly issuer: TokenIssuer;
  /** All requests so far, or since {@link TestServer.forget}. */
  requests(): readonly TokenRequest[];
  /** Who may log in from now on. Tokens that are out stay good until they expire. */
  setUsers(users: readonly TokenUser[]): void;
}

const SERVICE = 'pequod-test-registry';
const ISSUER = 'pequod-test-tokens';

/** Starts a token server that knows the users given. */
export async function startTokenServer(options: TokenServerOptions = {}): Promise<TokenServer> {
  return await Site.startIn('tokens', (site) => start(site, options));
}

async function start(
  site: Site,
  { tls, users = [], publicRepositories = [], lifetimeSeconds = 60 }: TokenServerOptions,
): Promise<TokenServer> {
  const signer = createSigner();
  const questions = new WeakMap<object, Question>();
  let known = users;

  const handle: Handler = async (request, response, seen) => {
    const question = readQuestion(seen.url, request.headers, await text(request));
    questions.set(seen, question);
    const user = known.find((one) => one.username === question.username);
    if (question.username !== undefined && (user === undefined || user.password !== question.password)) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong credentials' }] }));
      return;
    }
    const access = question.scopes.map((scope) => grant(scope, user, publicRepositories));
    const now = Math.floor(Date.now() / 1000);
    const token = signer.sign({
      iss: ISSUER,
      aud: SERVICE,
      sub: question.username ?? '',
      iat: now,
      nbf: now - 1,
      exp: now + lifetimeSeconds,
      jti: randomUUID(),
      access,
    });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, access_token: token, expires_in: lifetimeSeconds }));
  };

  const listener = await Listener.start(handle, tls?.issue());
  const server = await createTestServer({ site, listener, tls });
  return {
    ...server,
    issuer: { realm: `${server.url}/token`, service: SERVICE, issuer: ISSUER, keySet: signer.keySet },
    requests: () => listener.seen.map((seen) => ({ ...seen, ...(questions.get(seen) ?? NO_QUESTION) })),
    setUsers: (next) => {
      known = next;
    },
  };
}

interface Question {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly scopes: readonly string[];
  readonly body: string;
}

const NO_QUESTION: Question = { username: undefined, password: undefined, scopes: [], body: '' };

function readQuestion(url: string, headers: IncomingHttpHeaders, body: string): Question {
  const query = new URL(url, 'http://server').searchParams;
  const form = new URLSearchParams(body);
  const scopes = [...query.getAll('scope'), ...form.getAll('scope')].flatMap((scope) => scope.split(' '));
  if (form.get('grant_type') === 'password') {
    return { username: form.get('username') ?? '', password: form.get('password') ?? '', scopes, body };
  }
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'basic') return { username: undefined, password: undefined, scopes, body };
  const [username = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return { username, password: password.join(':'), scopes, body };
}

/** What of a scope is allowed. Less than asked for is no error here: the registry then says what is missing. */
function grant(
  scope: string,
  user: TokenUser | undefined,
  publicRepositories: readonly string[],
): { readonly type: string; readonly name: string; readonly actions: readonly string[] } {
  const [type = '', ...rest] = scope.split(':');
  const asked = (rest.at(-1) ?? '').split(',');
  const name = rest.slice(0, -1).join(':');
  const allowed = new Set<string>();
  for (const [pattern, actions] of Object.entries(user?.grants ?? {})) {
    if (matches(pattern, name)) for (const action of actions) allowed.add(action);
  }
  if (publicRepositories.some((pattern) => matches(pattern, name))) allowed.add('pull');
  return { type, name, actions: asked.filter((action) => type === 'repository' && allowed.has(action)) };
}

function matches(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  return pattern.endsWith('/*') && name.startsWith(pattern.slice(0, -1));
}

interface Signer {
  /** The public key, as a JSON Web Key Set. */
  readonly keySet: string;
  /** A JSON Web Token with these claims. */
  sign(claims: object): string;
}

function createSigner(): Signer {
  const keys = createTokenKeys();
  const privateKey = createPrivateKey(keys.privateKey);
  const jwk = createPublicKey(keys.publicKey).export({ format: 'jwk' });
  const kid = randomUUID();
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    keySet: JSON.stringify({ keys: [{ ...jwk, kid, use: 'sig', alg: 'ES256' }] }),
    sign: (claims) => {
      const body = `${encode({ typ: 'JWT', alg: 'ES256', kid })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(body), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${body}.${signature.toString('base64url')}`;
    },
  };
}
