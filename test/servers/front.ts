import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Handler, SeenRequest } from './listener.ts';

/** Answers a request in place of the server and says so, or says false: then the server does. */
export type Interceptor = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
) => boolean | Promise<boolean>;

/** Passes requests on to a server behind it, unless a test has put something else in its place. */
export interface Front {
  readonly handle: Handler;
  intercept(interceptor: Interceptor | undefined): void;
  close(): void;
}

/** A front of the server that listens at `socketPath`. */
export function createFront(socketPath: string): Front {
  const agent = new Agent({ keepAlive: true });
  let interceptor: Interceptor | undefined;
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const secure = 'encrypted' in request.socket ? { 'x-forwarded-proto': 'https' } : {};
    const { method, url: path } = request;
    const outgoing = ask({
      agent,
      socketPath,
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path }),
      headers: { ...request.headers, ...secure },
    });
    const answered = new Promise<void>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        pipeline(answer, response).then(resolve, reject);
      });
    });
    response.once('close', () => outgoing.destroy());
    request.pipe(outgoing);
    await answered;
  };
  return {
    handle: async (request, response, seen) => {
      if (interceptor !== undefined && (await interceptor(request, response, seen))) return;
      await forward(request, response);
    },
    intercept: (next) => {
      interceptor = next;
    },
    close: () => agent.destroy(),
  };
}
