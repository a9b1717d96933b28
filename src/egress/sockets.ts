// Sockets that come up whole or not at all.
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Whom TLS trusts, and who we are, in PEM. */
export interface TlsMaterial {
  /** In place of the authorities that the system trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What is spoken over a connection. */
export interface TlsWish {
  readonly protocols: readonly string[];
  readonly material?: TlsMaterial;
}

/** A TCP connection to one of the addresses that `lookup` gives, or by the system's resolver. */
export async function openTcp(
  { host, port, lookup }: { readonly host: string; readonly port: number; readonly lookup?: LookupFunction },
  signal: AbortSignal,
): Promise<Socket> {
  const chosen = lookup === undefined ? {} : { lookup };
  return await opened(connectTcp({ host, port, autoSelectFamily: true, ...chosen }), 'connect', signal);
}

/** TLS over a connection, with the peer's name checked. On failure the connection is ended. */
export async function openTls(
  socket: Socket,
  host: string,
  { protocols, material }: TlsWish,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    const secure = connectTls({
      socket,
      host,
      ...material,
      ALPNProtocols: [...protocols],
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    return await opened(secure, 'secureConnect', signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const end = (error: unknown): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(error);
    };
    const abort = (): void => end(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', end);
    socket.once(event, () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', end);
      resolve(socket);
    });
    if (signal.aborted) abort();
  });
}
