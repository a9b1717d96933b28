// Git over HTTP as git's own server program speaks it: http-backend, run for each request.
import { mkdir } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { TestAuthority } from './authority.ts';
import { answerByCgi } from './cgi.ts';
import {
  type AllowedWants,
  createGitRepository,
  GIT_ENVIRONMENT,
  type GitFiles,
  type GitRepository,
} from './git-repositories.ts';
import { type Handler, Listener } from './listener.ts';
import type { Account } from './registry.ts';
import { runProgram } from './run-program.ts';
import { Site } from './site.ts';
import { countBy, createTestServer, type TestServer } from './test-server.ts';

export interface GitHttpOptions {
  /** Speak TLS with a certificate of this authority; by default plain HTTP. */
  readonly tls?: TestAuthority;
  /** Who may read; by default everybody. A token is taken as a Bearer token, accounts by basic authentication. */
  readonly readers?: { readonly accounts?: readonly Account[]; readonly tokens?: readonly string[] };
  /** The newest version of git's protocol that the server speaks. */
  readonly protocol?: 0 | 2;
  /** Which ids clients may ask for under protocol 0; by default those of branches and tags alone. */
  readonly wants?: AllowedWants;
}

/** What a client did: asked what there is, asked for references (protocol 2), or fetched. */
export type GitOperation = 'info/refs' | 'ls-refs' | 'fetch' | 'other';

export interface GitRequest {
  readonly operation: GitOperation;
  /** `modules/app.git`. */
  readonly repository: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the answer; undefined while there is none. */
  readonly status: number | undefined;
}

/** Repositories behind HTTP: `<url>/<name>.git`. */
export interface GitHttpServer extends TestServer {
  /** Makes the repository `<name>.git` with one commit of `files` on `main`. */
  createRepository(name: string, files: GitFiles): Promise<GitRepository>;
  /** Where clients find it. */
  urlOf(repository: GitRepository): string;
  /** All requests so far, or since {@link TestServer.forget}. */
  requests(): readonly GitRequest[];
  /** Requests by operation; those answered with 401 as `challenge`. */
  counts(): Readonly<Record<string, number>>;
}

/** Starts a server without repositories; those made later go with it. */
export async function startGitHttpServer(options: GitHttpOptions = {}): Promise<GitHttpServer> {
  return await Site.startIn('git-http', (site) => start(site, options));
}

async function start(
  site: Site,
  { tls, readers, protocol = 2, wants = 'tips' }: GitHttpOptions,
): Promise<GitHttpServer> {
  const root = site.path('repositories');
  await mkdir(root);
  const folder = (await runProgram('git', ['--exec-path'])).stdout.trim();
  const operations = new WeakMap<object, GitOperation>();

  const handle: Handler = async (request, response, seen) => {
    const body = await buffer(request);
    const [path = '', query = ''] = seen.url.split('?');
    operations.set(seen, operationOf(path, body, request));
    if (readers !== undefined && !isReader(request.headers.authorization, readers)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?');
      return;
    }
    const version = request.headers['git-protocol'];
    const env = {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      REQUEST_METHOD: seen.method,
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      ...(protocol === 2 && typeof version === 'string' ? { GIT_PROTOCOL: version } : {}),
    };
    await answerByCgi(response, { command: join(folder, 'git-http-backend'), env, body }, site.reaper);
  };

  const listener = await Listener.start(handle, tls?.issue());
  const server = await createTestServer({ site, listener, tls });
  const requests = (): GitRequest[] =>
    listener.seen.map((seen) => ({
      ...seen,
      operation: operations.get(seen) ?? 'other',
      repository: /^\/(.*?\.git)(\/|$)/.exec(seen.url)?.[1] ?? '',
    }));
  return {
    ...server,
    createRepository: (name, files) => createGitRepository(root, name, files, wants),
    urlOf: ({ path }) => `${server.url}/${path}`,
    requests,
    counts: () => countBy(requests(), ({ operation, status }) => (status === 401 ? 'challenge' : operation)),
  };
}

function operationOf(path: string, body: Uint8Array, request: IncomingMessage): GitOperation {
  if (path.endsWith('/info/refs')) return 'info/refs';
  if (!path.endsWith('/git-upload-pack')) return 'other';
  const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : Buffer.from(body);
  return plain.subarray(4).toString('latin1').startsWith('command=ls-refs') ? 'ls-refs' : 'fetch';
}

function isReader(
  authorization: string | undefined,
  readers: NonNullable<GitHttpOptions['readers']>,
): boolean {
  const [scheme = '', value = ''] = (authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return readers.tokens?.includes(value) ?? false;
  if (scheme.toLowerCase() !== 'basic') return false;
  const login = Buffer.from(value, 'base64').toString('utf8');
  return (readers.accounts ?? []).some(({ username, password }) => login === `${username}:${password}`);
}
