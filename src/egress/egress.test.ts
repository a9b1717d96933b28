import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { kindOfAddress } from './addresses.ts';
import { EgressGuard, EgressHttp, EgressRules, type ResolvedAddress } from './index.ts';

const started: Server[] = [];
const clients: EgressHttp[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of started.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server and the number of connections that it got. */
async function listen(handler: Handler, host: string = '127.0.0.1', port: number = 0) {
  const seen = { connections: 0 };
  const server = createServer(handler);
  server.on('connection', () => {
    seen.connections += 1;
  });
  started.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return { seen, port: portOf(server.address()) };
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

function clientOf(guard: EgressGuard): EgressHttp {
  const client = new EgressHttp(guard);
  clients.push(client);
  return client;
}

function get(guard: EgressGuard, url: string, maxBytes: number = 1024) {
  return clientOf(guard).send({ method: 'GET', url: new URL(url), maxBytes }, AbortSignal.timeout(5_000));
}

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const ok: Handler = (_request, response) => response.end('ahoy');

describe('kinds of addresses', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['64:ff9b::808:808', 'public'],
    ['10.96.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['127.8.8.8', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:7f00:0001', 'loopback'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['::ffff:a9fe:a9fe', 'metadata'],
    ['64:ff9b::a9fe:a9fe', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['fd00:0ec2:0:0:0:0:0:0254', 'metadata'],
    ['169.254.1.1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['2002:7f00:1::', 'reserved'],
    ['::7f00:1', 'reserved'],
    ['127.0.0.1.example', 'reserved'],
  ])('%s is %s', (address, kind) => {
    expect(kindOfAddress(address)).toBe(kind);
  });
});

describe('rules', () => {
  it('let public addresses through, and nothing else that is not listed', () => {
    const rules = new EgressRules();
    expect(() => rules.check('example.org', '93.184.216.34')).not.toThrow();
    expect(() => rules.check('web.shop.svc', '10.96.0.7')).toThrow(
      'not called: web.shop.svc (10.96.0.7) is a private address; an administrator can allow it with --egress-allow web.shop.svc',
    );
  });

  it('know ranges, hosts and domains', () => {
    const rules = new EgressRules(['10.96.0.0/12', 'API.example.org.', '*.shop.svc', '::1']);
    for (const [host, address] of [
      ['x', '10.97.0.1'],
      ['x', '::ffff:10.97.0.1'],
      ['api.example.org', '192.168.0.1'],
      ['web.shop.svc', '192.168.0.1'],
      ['web.shop.svc.', '192.168.0.1'],
      ['::1', '::1'],
    ] as const)
      expect(() => rules.check(host, address), host).not.toThrow();
    expect(() => rules.check('shop.svc', '192.168.0.1')).toThrow('private');
    expect(() => rules.check('evilshop.svc', '192.168.0.1')).toThrow('private');
    expect(() => rules.check('x', '10.95.0.1')).toThrow('private');
  });

  it('never let metadata, link-local, multicast or unspecified addresses through', () => {
    const rules = new EgressRules(['0.0.0.0/0', '::/0', 'metadata.internal']);
    for (const address of ['169.254.169.254', 'fd00:ec2::254', 'fe80::1', '224.0.0.1', '0.0.0.0', '::'])
      expect(() => rules.check('metadata.internal', address), address).toThrow('which is never called');
    expect(() => rules.check('web', '10.0.0.1')).not.toThrow();
  });

  it.each(['', '10.0.0.0/33', 'a b', 'https://example.org', '1.2.3.4/x', 'fe80::1%eth0', '*'])(
    'refuse %j as a rule',
    (rule) => {
      expect(() => new EgressRules([rule])).toThrow(/is neither|is not/);
    },
  );
});

describe('calls', () => {
  it('reach what is listed', async () => {
    const { port } = await listen(ok);
    const guard = new EgressGuard({ allow: ['127.0.0.1/32'] });
    const answer = await get(guard, `http://127.0.0.1:${port}/`);
    expect([answer.statusCode, answer.body.toString()]).toEqual([200, 'ahoy']);
  });

  it.each([
    'http://127.0.0.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://127.1',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://localhost',
  ])("to %s don't reach the operator's own host", async (origin) => {
    const { port, seen } = await listen(ok);
    await expect(get(new EgressGuard(), `${origin}:${port}/`)).rejects.toMatchObject({
      code: 'EGRESS_REFUSED',
    });
    expect(seen.connections).toBe(0);
  });

  it('go to the address that was checked, whatever the name server says next', async () => {
    const first = await listen(ok);
    const second = await listen(ok, '127.0.0.2', first.port);
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const guard = new EgressGuard({
      allow: ['127.0.0.1'],
      resolve: async () => (answers.shift() ?? []).map(v4),
    });
    await expect(get(guard, `http://rebind.test:${first.port}/`)).resolves.toMatchObject({ statusCode: 200 });
    expect(answers, 'asked once').toHaveLength(1);
    await expect(get(guard, `http://rebind.test:${first.port}/`)).rejects.toThrow('127.0.0.2');
    expect([first.seen.connections, second.seen.connections]).toEqual([1, 0]);
  });

  it('use only those addresses of a name that may be called', async () => {
    const { port } = await listen(ok);
    const resolve = async (): Promise<readonly ResolvedAddress[]> => [v4('169.254.169.254'), v4('127.0.0.1')];
    const guard = new EgressGuard({ allow: ['127.0.0.0/8'], resolve });
    expect(await guard.addressesOf('both.test', AbortSignal.timeout(1_000))).toEqual([v4('127.0.0.1')]);
    await expect(get(guard, `http://both.test:${port}/`)).resolves.toMatchObject({ statusCode: 200 });
  });

  it('say where a name leads nowhere', async () => {
    const guard = new EgressGuard({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    await expect(get(guard, 'http://nowhere.test/')).rejects.toMatchObject({ code: 'EGRESS_UNRESOLVED' });
    const empty = new EgressGuard({ resolve: async () => [] });
    await expect(get(empty, 'http://nowhere.test/')).rejects.toThrow('it has no address');
  });

  it('do not follow redirects', async () => {
    const target = await listen(ok);
    const { port } = await listen((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${target.port}/` }).end(),
    );
    const answer = await get(new EgressGuard({ allow: ['127.0.0.1'] }), `http://127.0.0.1:${port}/`);
    expect([answer.statusCode, target.seen.connections]).toEqual([302, 0]);
  });

  it('take no more of an answer than they are told to', async () => {
    const { port } = await listen((_request, response) => response.end('x'.repeat(2_000)));
    const guard = new EgressGuard({ allow: ['127.0.0.1'] });
    await expect(get(guard, `http://127.0.0.1:${port}/`, 1_999)).rejects.toMatchObject({
      code: 'EGRESS_TOO_LARGE',
    });
    expect((await get(guard, `http://127.0.0.1:${port}/`, 0)).body).toHaveLength(0);
  });

  it('end with their signal, also while a name server is silent', async () => {
    const guard = new EgressGuard({ resolve: () => new Promise(() => undefined) });
    const controller = new AbortController();
    const call = guard.connect({ host: 'silent.test', port: 80 }, controller.signal);
    controller.abort(new Error('given up'));
    await expect(call).rejects.toThrow('given up');
  });
});
