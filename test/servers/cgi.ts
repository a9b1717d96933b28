import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ReaperLink } from '../control-plane/index.ts';

/** A program that answers one request, by the rules of RFC 3875. */
export interface CgiCall {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const MAX_HEAD_BYTES = 64 * 1024;

/** Runs the program and passes on what it answers; it ends when the client hangs up, and when this process does. */
export async function answerByCgi(
  response: ServerResponse,
  { command, env, body }: CgiCall,
  reaper: ReaperLink,
): Promise<void> {
  const child = spawn(command, [], { env: { ...process.env, ...env }, detached: true, stdio: 'pipe' });
  const pid = child.pid ?? 0;
  const ended = once(child, 'close');
  if (pid !== 0) {
    reaper.watch(pid);
    child.once('exit', () => reaper.forget(pid));
  }
  response.once('close', () => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  child.stderr.resume();
  child.stdin.end(body);
  let head: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  while (true) {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      const { status, headers } = parseHead(head.subarray(0, end).toString('latin1'));
      response.writeHead(status, headers);
      response.write(head.subarray(end + 4));
      break;
    }
    const chunk: unknown = child.stdout.read();
    if (Buffer.isBuffer(chunk)) head = Buffer.concat([head, chunk]);
    else if (child.stdout.readableEnded || head.length > MAX_HEAD_BYTES)
      throw new Error(`${command}: no answer`);
    else await Promise.race([once(child.stdout, 'readable'), once(child.stdout, 'end')]);
  }
  await pipeline(child.stdout, response);
  await ended;
}

function parseHead(head: string): { readonly status: number; readonly headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { status = '200', ...others } = headers;
  return { status: Number.parseInt(status, 10), headers: others };
}
