// What asks for the operator's own surroundings opens no connection: every socket that the process opens is counted.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EgressGuard, type EgressGuardOptions, EgressHttp, type ResolvedAddress } from './index.ts';

let opened = 0;
let arrived = 0;
let port = 0;
let server: Server;
const count = (): void => {
  opened += 1;
};

beforeAll(async () => {
  subscribe('net.client.socket', count);
  server = createServer((_request, response) => response.end('never'));
  server.on('connection', () => {
    arrived += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address: string | AddressInfo | null = server.address();
  if (address !== null && typeof address !== 'string') port = address.port;
});

afterAll(async () => {
  unsubscribe('net.client.socket', count);
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  opened = 0;
  arrived = 0;
});

async function refusal(url: string, options: EgressGuardOptions = {}): Promise<unknown> {
  const http = new EgressHttp(new EgressGuard(options));
  try {
    const message = { method: 'GET', url: new URL(url), maxBytes: 10 } as const;
    return await http.send(message, AbortSignal.timeout(5_000));
  } catch (error) {
    return error;
  } finally {
    await http.close();
  }
}

const found = (address: string): readonly ResolvedAddress[] => [
  { address, family: address.includes(':') ? 6 : 4 },
];

const LITERALS = [
  '169.254.169.254',
  '[fd00:ec2::254]',
  '127.0.0.1',
  '127.8.8.8',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[64:ff9b::169.254.169.254]',
  '[2002:a9fe:a9fe::]',
  '2130706433',
  '2852039166',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '0251.0376.0251.0376',
  '127.1',
  '0.0.0.0',
  '0',
  '[::]',
  '10.96.0.1',
  '10.244.0.5',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '[fd12:3456::1]',
  '[fe80::1]',
  '224.0.0.1',
  '255.255.255.255',
  'localhost',
];

describe('no connection is opened', () => {
  it.each(LITERALS)('to http://%s', async (host) => {
    expect(await refusal(`http://${host}:${port}/`)).toMatchObject({ code: 'EGRESS_REFUSED' });
    expect([opened, arrived]).toEqual([0, 0]);
  });

  it.each([
    ['kubernetes.default', '10.96.0.1'],
    ['kubernetes.default.svc.cluster.local.', '10.96.0.1'],
    ['web.shop.svc', '10.244.0.5'],
    ['metadata.google.internal', '169.254.169.254'],
    ['looks-public.test', '::ffff:127.0.0.1'],
  ])('to the name %s, which is %s', async (host, address) => {
    const answer = await refusal(`http://${host}:${port}/`, { resolve: async () => found(address) });
    expect(answer).toMatchObject({ code: 'EGRESS_REFUSED' });
    expect([opened, arrived]).toEqual([0, 0]);
  });

  it('by a name that leads elsewhere on every look', async () => {
    const answers = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1'];
    const guard = { resolve: async () => found(answers.shift() ?? '::1') };
    const http = new EgressHttp(new EgressGuard(guard));
    for (let tries = 0; tries < 6; tries += 1) {
      const message = { method: 'GET', url: new URL(`http://rebind.test:${port}/`), maxBytes: 10 } as const;
      await expect(http.send(message, AbortSignal.timeout(5_000))).rejects.toMatchObject({
        code: 'EGRESS_REFUSED',
      });
    }
    await http.close();
    expect([opened, arrived]).toEqual([0, 0]);
  });

  it.each(LITERALS)('by ssh to %s', async (host) => {
    const target = { host: host.replace(/^\[|\]$/g, ''), port };
    const connected = new EgressGuard().connect(target, AbortSignal.timeout(5_000));
    await expect(connected).rejects.toMatchObject({
      code: expect.stringMatching(/^EGRESS_(REFUSED|UNRESOLVED)$/),
    });
    expect([opened, arrived]).toEqual([0, 0]);
  });

  it.each(['registry.test', '127.0.0.1'])(
    'to %s, which is not among those that may be called',
    async (host) => {
      const options = {
        allow: ['127.0.0.1'],
        only: ['*.example', '10.0.0.0/8'],
        resolve: async () => found('127.0.0.1'),
      };
      expect(await refusal(`http://${host}:${port}/`, options)).toMatchObject({
        code: 'EGRESS_REFUSED',
        message: expect.stringContaining('--source-hosts'),
      });
      expect([opened, arrived]).toEqual([0, 0]);
    },
  );
});

it('a host that may be called is, by name or by range', async () => {
  const resolve = async (): Promise<readonly ResolvedAddress[]> => found('127.0.0.1');
  for (const only of [['a.example'], ['*.example'], ['127.0.0.0/8']]) {
    const answer = await refusal(`http://a.example:${port}/`, { allow: ['127.0.0.1'], only, resolve });
    expect(answer).toMatchObject({ statusCode: 200 });
  }
  expect(arrived).toBe(3);
});

it('a name that is not listed is not even looked up, and where it has to be, leads to the same answer', async () => {
  const names: string[] = [];
  const resolve = async (host: string): Promise<readonly ResolvedAddress[]> => {
    names.push(host);
    throw new Error('there is no such name');
  };
  for (const only of [['a.example'], ['a.example', '10.0.0.0/8']]) {
    const guard = new EgressGuard({ only, resolve });
    const connection = guard.connect({ host: 'secret.b.example', port: 443 }, new AbortController().signal);
    await expect(connection).rejects.toMatchObject({
      code: 'EGRESS_REFUSED',
      message: expect.stringContaining('--source-hosts'),
    });
  }
  expect(names).toEqual(['secret.b.example']);
});
