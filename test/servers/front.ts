import { Agent, request as ask } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Handler } from './listener.ts';

/** Passes requests on to a server behind it. */
export interface Front {
  readonly handle: Handler;
  close(): void;
}

/** A front of the server that listens at `socketPath`. */
export function createFront(socketPath: string): Front {
  const agent = new Agent({ keepAlive: true });
  const handle: Handler = async (request, response) => {
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
  return { handle, close: () => agent.destroy() };
}
