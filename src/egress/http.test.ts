import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate } from '../../test/control-plane/index.ts';
import { EgressGuard, EgressHttp, type EgressHttpOptions, type EgressRequest, troubleOf } from './index.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const authority = createAuthority('egress-test');
const signal = (): AbortSignal => AbortSignal.timeout(10_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<{ readonly url: string; readonly connections: () => number }> {
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return { url: `127.0.0.1:${address.port}`, connections: () => connections };
}

function listenPlain(handler: RequestListener) {
  return listen(createServer(handler));
}

function listenSecure(handler: RequestListener, names: readonly string[] = []) {
  const identity = {
    kind: 'server',
    hosts: names,
    addresses: names.length > 0 ? [] : ['127.0.0.1'],
  } as const;
  const pair = issueCertificate(authority, { commonName: 'server' }, identity);
  const { certificate: ca } = authority;
  const options = { key: pair.key, cert: pair.certificate, ca, requestCert: true, rejectUnauthorized: false };
  return listen(createSecureServer(options, handler));
}

function client(options?: EgressHttpOptions): EgressHttp {
  const http = new EgressHttp(new EgressGuard({ allow: ['127.0.0.1'] }), options);
  cleanups.push(() => http.close());
  return http;
}

function get(url: string, more: Partial<EgressRequest> = {}): EgressRequest {
  return { method: 'GET', url: new URL(url), maxBytes: 1024, ...more };
}

describe('requests', () => {
  it('carry bytes and headers both ways', async () => {
    const bytes = Uint8Array.from([0, 255, 13, 10]);
    const { url } = await listenPlain(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      response.setHeader('X-Asked', `${request.method} ${request.headers['x-mine']}`);
      response.setHeader('WWW-Authenticate', ['Basic', 'Bearer realm="x"']);
      response.end(Buffer.concat(chunks));
    });
    const message = get(`http://${url}/`, { method: 'PUT', body: bytes, headers: { 'x-mine': 'yes' } });
    const answer = await client().send(message, signal());
    expect(Buffer.from(bytes).equals(answer.body)).toBe(true);
    expect(answer.headers.get('x-asked')).toEqual(['PUT yes']);
    expect(answer.headers.get('www-authenticate')).toEqual(['Basic', 'Bearer realm="x"']);
  });

  it('end where an answer drips for longer than they may take', async () => {
    const { url } = await listenPlain((_request, response) => {
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    });
    const http = client();
    const message = get(`http://${url}/`, { maxBytes: 1e6, timeoutMs: 100 });
    await expect(http.send(message, signal())).rejects.toMatchObject({
      code: 'EGRESS_TIMEOUT',
      message: 'did not answer in full within 0.1 s',
    });
  });

  it('end where an answer stops, before it or in the middle', async () => {
    const { url } = await listenPlain((request, response) => {
      if (request.url === '/half') response.write('half');
    });
    for (const path of ['', 'half']) {
      const sent = client().send(get(`http://${url}/${path}`, { idleTimeoutMs: 50 }), signal());
      const error: unknown = await sent.catch((thrown: unknown) => thrown);
      expect(troubleOf(error).kind, path).toBe('silence');
    }
  });

  it('read no more of an endless answer than they have to', async () => {
    let written = 0;
    const { url } = await listenPlain((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (response.writable && written < 1e9) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on('drain', more).on('close', () => response.destroy());
      more();
    });
    await expect(client().send(get(`http://${url}/`), signal())).rejects.toMatchObject({
      code: 'EGRESS_TOO_LARGE',
    });
    expect(written).toBeLessThan(50e6);
  });
});

describe('connections', () => {
  it('are kept where that is asked for, and only there', async () => {
    const { url, connections } = await listenPlain((_request, response) => response.end('x'));
    const kept = client({ keepAliveMs: 5_000 });
    for (let count = 0; count < 20; count += 1) await kept.send(get(`http://${url}/`), signal());
    const before = connections();
    expect(before).toBeLessThanOrEqual(2);
    const notKept = client();
    for (let count = 0; count < 3; count += 1) await notKept.send(get(`http://${url}/`), signal());
    expect(connections()).toBe(before + 3);
  });

  it('are never shared between TLS materials', async () => {
    const { url, connections } = await listenSecure((request, response) => {
      const socket = request.socket;
      response.end('getPeerCertificate' in socket ? nameOf(socket) : '');
    });
    const http = client({ keepAliveMs: 5_000 });
    const ca = authority.certificate;
    const ask = async (name: string | undefined): Promise<string> => {
      const pair = name === undefined ? undefined : clients.get(name);
      const own = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
      const answer = await http.send(get(`https://${url}/`, { tls: { ca, ...own } }), signal());
      return answer.body.toString();
    };
    const clients = new Map(
      ['one', 'other'].map((commonName) => [
        commonName,
        issueCertificate(authority, { commonName }, { kind: 'client' }),
      ]),
    );
    for (let round = 0; round < 3; round += 1)
      for (const name of ['one', 'other', undefined]) expect(await ask(name)).toBe(name ?? 'nobody');
    expect(connections()).toBeLessThanOrEqual(6);
    await expect(http.send(get(`https://${url}/`), signal())).rejects.toThrow();
  });

  it('are left one after the other by many materials, and answer all of them', async () => {
    const { url } = await listenPlain((_request, response) => response.end('x'));
    const http = client({ keepAliveMs: 5_000 });
    const asked = Array.from({ length: 100 }, (_, index) =>
      http.send(get(`http://${url}/`, { tls: { ca: `${index}` } }), signal()),
    );
    expect((await Promise.all(asked)).every(({ statusCode }) => statusCode === 200)).toBe(true);
  });
});

describe('troubles with TLS', () => {
  const trouble = async (url: string, tls: EgressRequest['tls']) => {
    const message = get(`https://${url}/`, tls === undefined ? {} : { tls });
    return troubleOf(
      await client()
        .send(message, signal())
        .catch((error: unknown) => error),
    );
  };

  it('are said in words', async () => {
    const good = await listenSecure((_request, response) => response.end());
    const misnamed = await listenSecure((_request, response) => response.end(), ['other.test']);
    const plain = await listenPlain((_request, response) => response.end());
    const ca = authority.certificate;
    expect((await trouble(good.url, undefined)).words).toContain('an authority that is not trusted here');
    expect((await trouble(misnamed.url, { ca })).words).toBe('has a certificate for another name');
    expect((await trouble(plain.url, { ca })).words).toBe('does not speak TLS');
    const canary = '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n';
    for (const broken of [{ ca, key: canary, cert: ca }, { ca: 'canary' }]) {
      const { kind, words } = await trouble(good.url, broken);
      expect(words).not.toContain('canary');
      expect(['material', 'certificate']).toContain(kind);
    }
  });
});

function nameOf(socket: object): string {
  if (!isTls(socket)) return 'nobody';
  const { subject } = socket.getPeerCertificate();
  return subject === undefined ? 'nobody' : String(subject.CN);
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}
