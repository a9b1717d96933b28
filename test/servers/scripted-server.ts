// A server that answers as a test says, down to the bytes on the wire: for what real servers do rarely, and hostile ones
// on purpose.
import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestAuthority } from './authority.ts';
import { Listener } from './listener.ts';
import { Site } from './site.ts';
import { createTestServer, type TestServer } from './test-server.ts';

/** A request that came in, whole. */
export interface ScriptedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in their order and spelling, as sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Of the answer; undefined while there is none. */
  readonly status: number | undefined;
}

/** Answers, late or never if it likes: what is open is cut when the server stops. What it throws becomes a 500. */
export type ScriptedHandler = (request: ScriptedRequest, response: ServerResponse) => void | Promise<void>;

/** A running scripted server. */
export interface ScriptedServer extends TestServer {
  /** All requests so far whose bodies are complete, or since {@link TestServer.forget}. */
  requests(): readonly ScriptedRequest[];
  /** How many connections were opened, and how many still are. */
  connections(): { readonly total: number; readonly open: number };
}

/** Starts a server that answers with `handler`; with `tls`, under a certificate of that authority. */
export async function startScriptedServer(
  handler: ScriptedHandler,
  { tls }: { readonly tls?: TestAuthority } = {},
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  return await Site.startIn('scripted', async (site) => {
    const listener = await Listener.start(async (request, response) => {
      const { method = '', url = '/', headers, rawHeaders } = request;
      const body = await buffer(request);
      const scripted: ScriptedRequest = {
        method,
        url,
        headers,
        rawHeaders,
        body,
        get status() {
          return response.headersSent ? response.statusCode : undefined;
        },
      };
      requests.push(scripted);
      await handler(scripted, response);
    }, tls?.issue());
    const server = await createTestServer({ site, listener, tls });
    return {
      ...server,
      requests: () => requests,
      forget: () => {
        server.forget();
        requests.length = 0;
      },
      connections: () => listener.connections,
    };
  });
}

/** Writes exactly these bytes in place of an answer and hangs up: wrong lengths, broken heads, no HTTP at all. */
export function sendRaw(response: ServerResponse, bytes: string | Uint8Array): void {
  response.socket?.end(bytes);
}

/** Promises `promised` bytes, sends fewer, and hangs up. */
export function sendShort(response: ServerResponse, promised: number, bytes: string | Uint8Array): void {
  const head = ['HTTP/1.1 200 OK', 'content-type: application/octet-stream', `content-length: ${promised}`];
  sendRaw(response, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(bytes)]));
}

/** Sends one drop after another, with a pause before each, for as long as the client stays. */
export async function sendDrops(
  response: ServerResponse,
  drop: string | Uint8Array,
  pauseMs: number,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.flushHeaders();
  while (!gone.signal.aborted) {
    // The pause ends early when the client leaves: then there is nobody to send to.
    await delay(pauseMs, undefined, { signal: gone.signal }).catch(() => undefined);
    if (!gone.signal.aborted && !response.write(drop)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }
}
