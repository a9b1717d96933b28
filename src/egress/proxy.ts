// A proxy that an administrator has chosen. It carries bytes by CONNECT, whatever is spoken through it: what is asked of a
// host, and what for, stays between that host and us, and the proxy's own password is sent to the proxy alone.
import { isIP, type Socket } from 'node:net';
import { EgressError } from './rules.ts';

const MAX_ANSWER_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';
const TARGET_HOST = /^[a-z0-9_.:-]+$/i;

/** Where the proxy is. Its password is in no property that could be printed. */
export class EgressProxy {
  readonly host: string;
  readonly port: number;
  readonly #authorization: string | undefined;

  private constructor(url: URL) {
    this.host = url.hostname.replace(/^\[|\]$/g, '');
    this.port = Number(url.port) || 80;
    const account = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    this.#authorization = account === ':' ? undefined : `Basic ${Buffer.from(account).toString('base64')}`;
  }

  /** Reads `http://[user:password@]host[:port]`. @throws Error, without the text, as it may hold a password. */
  static parse(text: string): EgressProxy {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'http:' || url.hostname === '' || url.pathname !== '/' || url.search !== '')
      throw new Error('a proxy is written http://[user:password@]host[:port]');
    try {
      return new EgressProxy(url);
    } catch {
      throw new Error('user name or password of the proxy is not percent-encoded');
    }
  }

  /** What is sent to be connected to a host. */
  request(host: string, port: number): string {
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`];
    if (this.#authorization !== undefined) lines.push(`Proxy-Authorization: ${this.#authorization}`);
    return `${lines.join('\r\n')}\r\n\r\n`;
  }
}

/** Has the proxy at the other end of `socket` connect it to a host. On failure the socket is destroyed. */
export async function openTunnel(
  socket: Socket,
  proxy: EgressProxy,
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    if (!TARGET_HOST.test(host)) throw proxyError('the host has characters that no host has');
    socket.write(proxy.request(host, port));
    const status = statusOf(await readAnswer(socket, signal));
    if (status >= 200 && status < 300) return;
    throw proxyError(`${refusal(status)} ${host}:${port} (status ${status})`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function refusal(status: number): string {
  if (status === 407) return 'the proxy wants a user name and password, or other ones, for';
  if (status === 502 || status === 503 || status === 504) return "the proxy can't reach";
  return 'the proxy does not let through';
}

async function readAnswer(socket: Socket, signal: AbortSignal): Promise<string> {
  let seen = Buffer.alloc(0);
  return await new Promise<string>((resolve, reject) => {
    const end = (settle: () => void): void => {
      socket.off('readable', read).off('error', fail).off('close', closed);
      signal.removeEventListener('abort', abort);
      settle();
    };
    const fail = (error: unknown): void => end(() => reject(error));
    const abort = (): void => fail(signal.reason);
    const closed = (): void => fail(proxyError('the proxy cut the connection'));
    const read = (): void => {
      for (let chunk: unknown = socket.read(); Buffer.isBuffer(chunk); chunk = socket.read()) {
        seen = Buffer.concat([seen, chunk]);
        const length = seen.indexOf(HEAD_END);
        if (length < 0 && seen.length <= MAX_ANSWER_BYTES) continue;
        if (length < 0) fail(proxyError('the proxy does not speak HTTP'));
        else end(() => resolve(headOf(socket, seen, length)));
        return;
      }
    };
    socket.on('readable', read).on('error', fail).on('close', closed);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else read();
  });
}

/** What comes after the head goes back to whoever reads the socket next. */
function headOf(socket: Socket, seen: Buffer, length: number): string {
  const rest = seen.subarray(length + HEAD_END.length);
  if (rest.length > 0) socket.unshift(rest);
  return seen.toString('latin1', 0, length);
}

function statusOf(answer: string): number {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(answer) ?? [];
  if (status === undefined) throw proxyError('the proxy does not speak HTTP');
  return Number(status);
}

function proxyError(message: string): EgressError {
  return new EgressError(message, { code: 'EGRESS_PROXY', reason: 'ProxyFailed', retry: 'backoff' });
}
