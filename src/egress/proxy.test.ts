import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
} from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate } from '../../test/control-plane/index.ts';
import { EgressGuard, type EgressGuardOptions, EgressHttp, EgressProxy } from './index.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const signal = (): AbortSignal => AbortSignal.timeout(10_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** A proxy that takes every name for this machine, and what it was sent. */
async function startProxy(answer: string = 'HTTP/1.1 200 Connection established\r\n\r\n') {
  const seen: { readonly target: string; readonly authorization: string | undefined }[] = [];
  const server: Server = createServer((_request, response) => response.writeHead(500).end());
  server.on('connect', (request, socket) => {
    seen.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    if (!answer.includes(' 200 ')) {
      socket.end(answer);
      return;
    }
    const onward = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write(answer);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { seen, port: await listen(server) };
}

async function startTarget() {
  const headers: string[] = [];
  const authority = createAuthority('proxy-test');
  const identity = { kind: 'server', hosts: ['registry.example'], addresses: [] } as const;
  const { key, certificate: cert } = issueCertificate(authority, { commonName: 'registry' }, identity);
  const server = createSecureServer({ key, cert }, (request, response) => {
    headers.push(...request.rawHeaders);
    response.end('ahoy');
  });
  return { headers, ca: authority.certificate, port: await listen(server) };
}

function through(port: number, more: EgressGuardOptions = {}): EgressGuard {
  const proxy = EgressProxy.parse(`http://me:can%40ry@127.0.0.1:${port}`);
  return new EgressGuard({ proxy, resolve: () => Promise.reject(new Error('ENOTFOUND')), ...more });
}

describe('through a proxy', () => {
  it('a host is called by its name, and never sees the password of the proxy', async () => {
    const proxy = await startProxy();
    const target = await startTarget();
    const http = new EgressHttp(through(proxy.port));
    cleanups.push(() => http.close());
    const url = new URL(`https://registry.example:${target.port}/`);
    const message = { method: 'GET', url, maxBytes: 100, tls: { ca: target.ca } } as const;
    expect((await http.send(message, signal())).body.toString()).toBe('ahoy');
    const authorization = `Basic ${Buffer.from('me:can@ry').toString('base64')}`;
    expect(proxy.seen).toEqual([{ target: `registry.example:${target.port}`, authorization }]);
    expect(target.headers.join('\n')).not.toMatch(/proxy|basic/i);
  });

  it('a server that speaks first is heard whole', async () => {
    const target = await listen(createTcpServer((socket) => void socket.end('SSH-2.0-pequod\r\n')));
    const proxy = await startProxy('HTTP/1.0 200 OK\r\nVia: test\r\n\r\nSSH-');
    const socket = await through(proxy.port).connect({ host: 'git.example', port: target }, signal());
    const heard: Buffer[] = [];
    for await (const chunk of socket) heard.push(chunk);
    expect(Buffer.concat(heard).toString()).toBe('SSH-SSH-2.0-pequod\r\n');
  });

  it.each([
    ['10.0.0.1', undefined],
    ['169.254.169.254', undefined],
    ['::1', undefined],
    ['localhost', undefined],
    ['metadata.google.internal', undefined],
    ['kubernetes.default', '10.96.0.1'],
    ['rebind.test', '127.0.0.1'],
    ['numbers.test', '::ffff:169.254.169.254'],
  ])('%s is not asked for', async (host, address) => {
    const proxy = await startProxy();
    const resolve =
      address === undefined
        ? {}
        : { resolve: async () => [{ address, family: address.includes(':') ? 6 : 4 } as const] };
    const guard = through(proxy.port, resolve);
    await expect(guard.connect({ host, port: 80 }, signal())).rejects.toMatchObject({
      code: 'EGRESS_REFUSED',
    });
    expect(proxy.seen).toEqual([]);
  });

  it('a name one of whose addresses may not be called is not asked for', async () => {
    const proxy = await startProxy();
    const resolve = async () =>
      [
        { address: '8.8.8.8', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ] as const;
    const connected = through(proxy.port, { resolve }).connect({ host: 'both.test', port: 80 }, signal());
    await expect(connected).rejects.toThrow('10.0.0.1');
  });

  it('the hosts that may be called are held to, too', async () => {
    const proxy = await startProxy();
    const guard = through(proxy.port, { only: ['*.example'] });
    await expect(guard.connect({ host: 'evil.test', port: 80 }, signal())).rejects.toThrow('--source-hosts');
    expect(proxy.seen).toEqual([]);
  });

  it('some hosts are not called', async () => {
    const proxy = await startProxy();
    const port = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).end('x')));
    const byName = {
      noProxy: ['direct.test'],
      allow: ['127.0.0.1'],
      resolve: async () => [{ address: '127.0.0.1', family: 4 }] as const,
    };
    const byRange = { ...byName, noProxy: ['127.0.0.0/8'] };
    for (const options of [byName, byRange]) {
      const socket = await through(proxy.port, options).connect({ host: 'direct.test', port }, signal());
      socket.destroy();
    }
    expect(proxy.seen).toEqual([]);
  });

  it.each([
    [
      'HTTP/1.1 407 No\r\n\r\n',
      'the proxy wants a user name and password, or other ones, for git.example:22 (status 407)',
    ],
    ['HTTP/1.1 403 No\r\n\r\n', 'the proxy does not let through git.example:22 (status 403)'],
    ['HTTP/1.1 502 No\r\n\r\n', "the proxy can't reach git.example:22 (status 502)"],
    ['SSH-2.0-proxy\r\n\r\n', 'the proxy does not speak HTTP'],
    ['x'.repeat(20_000), 'the proxy does not speak HTTP'],
    ['HTTP/1.1 4', 'the proxy cut the connection'],
  ])('an answer of %j is told', async (answer, message) => {
    const proxy = await startProxy(answer);
    const connected = through(proxy.port).connect({ host: 'git.example', port: 22 }, signal());
    await expect(connected).rejects.toMatchObject({ code: 'EGRESS_PROXY', message });
  });

  it('a host can add nothing to what the proxy is told', async () => {
    const proxy = await startProxy();
    const connected = through(proxy.port).connect({ host: 'a b\r\nX: y', port: 22 }, signal());
    await expect(connected).rejects.toMatchObject({ code: 'EGRESS_PROXY' });
    expect(proxy.seen).toEqual([]);
  });
});

it.each([
  'proxy:3128',
  'https://proxy',
  'socks5://proxy',
  'http://',
  'http://proxy/path',
  'http://me:%canary@proxy',
])('%s is no proxy, and is not repeated', (text) => {
  expect(() => EgressProxy.parse(text)).toThrow(/^(a proxy is written|user name or password)/);
});

it('a proxy shows its password nowhere', () => {
  const proxy = EgressProxy.parse('http://me:canary@proxy.example');
  expect([proxy.host, proxy.port]).toEqual(['proxy.example', 80]);
  expect(JSON.stringify({ proxy })).not.toContain('canary');
});
