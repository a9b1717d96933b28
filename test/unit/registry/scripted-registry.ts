// A registry that answers as a test says, and a client of it.
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import {
  digestOf,
  type OciReference,
  parseOciReference,
  RegistryClient,
  type RegistryClientOptions,
} from '../../../src/registry/index.ts';
import {
  createTestAuthority,
  type ScriptedRequest,
  type ScriptedServer,
  startScriptedServer,
  type TestAuthority,
} from '../../servers/index.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json' as const;
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json' as const;

export type Answer = (response: ServerResponse, request: ScriptedRequest) => void | Promise<void>;

interface Slot {
  readonly server: ScriptedServer;
  routes: Readonly<Record<string, Answer>>;
}

/** Servers are kept for the next test: to start one takes longer than most tests do. */
const idle: Slot[] = [];
const idleSecure: Slot[] = [];
const cleanups: (() => Promise<unknown>)[] = [];

/** What all servers with TLS stand under. */
export const authority: TestAuthority = createTestAuthority();

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(async () => {
  const slots = [...idle.splice(0), ...idleSecure.splice(0)];
  await Promise.all(slots.map(({ server }) => server.stop()));
});

/** Answers by `METHOD /path`, or `/path` for GET; with 404 where there is none. */
export async function startScripted(
  routes: Readonly<Record<string, Answer>>,
  { isSecure = false }: { readonly isSecure?: boolean } = {},
): Promise<ScriptedServer> {
  const pool = isSecure ? idleSecure : idle;
  const slot = pool.pop() ?? (await createSlot(isSecure));
  slot.routes = routes;
  cleanups.push(async () => {
    slot.routes = {};
    slot.server.forget();
    pool.push(slot);
  });
  return slot.server;
}

async function createSlot(isSecure: boolean): Promise<Slot> {
  const server = await startScriptedServer(
    async (request, response) => {
      const { routes } = slot;
      const path = request.url.split('?')[0] ?? '';
      const answer =
        routes[`${request.method} ${path}`] ?? (request.method === 'GET' ? routes[path] : undefined);
      if (answer === undefined) response.writeHead(404).end();
      else await answer(response, request);
    },
    isSecure ? { tls: authority } : {},
  );
  const slot: Slot = { server, routes: {} };
  return slot;
}

/** A client that may call this machine, and asks all of `plain` without TLS. */
export function clientFor(
  plain: readonly ScriptedServer[],
  options: Partial<RegistryClientOptions> = {},
): RegistryClient {
  const client = new RegistryClient({
    guard: new EgressGuard({ allow: ['127.0.0.1', 'localhost'] }),
    plainHttpHosts: plain.map(({ host }) => host),
    random: () => 0,
    ...options,
  });
  cleanups.push(() => client.close());
  return client;
}

export function referenceTo({ host }: { readonly host: string }, rest: string = 'a:v1'): OciReference {
  return parseOciReference(`oci://${host}/${rest}`);
}

export const signal = (): AbortSignal => AbortSignal.timeout(15_000);

export function send(type: string, body: string | Uint8Array, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(200, { 'content-type': type, ...headers }).end(body);
}

export function redirect(location: () => string, status: number = 307): Answer {
  return (response) => void response.writeHead(status, { location: location() }).end();
}

export function status(code: number, body: string = '', headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(code, headers).end(body);
}

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function describe(
  bytes: string | Uint8Array,
  mediaType: string = 'application/octet-stream',
): Described {
  const body = Buffer.from(bytes);
  return { mediaType, digest: digestOf(body), size: body.length };
}

/** The text of a manifest with these layers. */
export function manifestOf(layers: readonly object[], more: object = {}): string {
  const config = describe('{}', 'application/vnd.oci.empty.v1+json');
  return JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers, ...more });
}

export function indexOf(manifests: readonly object[], more: object = {}): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests, ...more });
}

/** Every Authorization header that a server got. */
export function authorizations(server: ScriptedServer): readonly (string | undefined)[] {
  return server.requests().map(({ headers }) => headers.authorization);
}
