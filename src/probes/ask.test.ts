import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { EgressGuard } from '../egress/index.ts';
import type { ProbePredicate, ProbeQuestion } from './answer.ts';
import { NetworkAsker } from './ask.ts';
import { healthRequest, servingStatus } from './grpc-messages.ts';

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listening(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const http = (listener: RequestListener): Promise<number> => listening(createServer(listener));
const live: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', managedFields: [{ manager: 'x' }] },
  spec: { replicas: 2 },
};

function question(
  predicate: ProbePredicate,
  kind: string = 'Deployment',
  reads: { count: number } = { count: 0 },
): ProbeQuestion {
  return {
    transform: { namespace: 'shop', name: 'web' },
    nodeId: 'app',
    predicate,
    object: {
      kind,
      version: () => 'u/1',
      read: async () => {
        reads.count += 1;
        return live;
      },
    },
  };
}

function asker(allow: readonly string[] = ['127.0.0.1/32']): NetworkAsker {
  const made = new NetworkAsker(new EgressGuard({ allow }));
  ends.push(() => made.close());
  return made;
}

function ask(url: string, type: 'External' | 'Webhook' = 'External', allow?: readonly string[]) {
  return asker(allow).ask(question({ type, url }), {}, AbortSignal.timeout(10_000));
}

describe('an External probe', () => {
  it('of http is ready at 2xx, and takes a redirect for no', async () => {
    const port = await http((request, response) =>
      response.writeHead(request.url?.startsWith('/ok') === true ? 204 : 302).end(),
    );
    expect(await ask(`http://127.0.0.1:${port}/ok?token=x`)).toEqual({
      state: 'ready',
      reason: 'Ready',
      message: `http://127.0.0.1:${port}/ok answers with status 204`,
    });
    expect(await ask(`http://127.0.0.1:${port}/moved`)).toMatchObject({
      state: 'waiting',
      reason: 'ProbeNotReady',
    });
  });

  it('of tcp is ready when a connection is accepted', async () => {
    const server = createTcpServer((socket) => socket.end());
    const port = await listening(server);
    expect(await ask(`tcp://127.0.0.1:${port}`)).toMatchObject({ state: 'ready' });
    expect(await ask('tcp://127.0.0.1:1')).toMatchObject({
      state: 'waiting',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('is refused by name where the administrator does not allow it', async () => {
    for (const url of [
      'http://127.0.0.1:1/',
      'tcp://0x7f.1:1',
      'grpc://2130706433:1',
      'tcp://[::ffff:127.0.0.1]:1',
    ]) {
      const found = await ask(url, 'External', []);
      expect(found, url).toMatchObject({ state: 'failed', reason: 'EgressRefused' });
      expect(found.message).toContain('--egress-allow');
    }
    expect(await ask('http://169.254.169.254/latest', 'External', ['0.0.0.0/0'])).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('metadata address, which is never called'),
    });
  });

  it.each(['nonsense', 'ftp://example.org/', 'tcp://example.org', 'grpc://example.org'])(
    'of %s can not be asked',
    async (url) => {
      expect(await ask(url)).toMatchObject({ state: 'failed', reason: 'InvalidProbe' });
    },
  );
});

describe('a gRPC probe', () => {
  async function health(
    status: number,
    grpcStatus: string = '0',
  ): Promise<{ port: number; asked: string[] }> {
    const asked: string[] = [];
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        asked.push(`${headers[':path']} ${Buffer.concat(chunks).subarray(7).toString()}`);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
        stream.end(grpcStatus === '0' ? Buffer.from([0, 0, 0, 0, 2, 8, status]) : undefined);
      });
    });
    return { port: await listening(server), asked };
  }

  it('is ready when the service that the path names is SERVING', async () => {
    const { port, asked } = await health(1);
    expect(await ask(`grpc://127.0.0.1:${port}/shop.Orders`)).toMatchObject({ state: 'ready' });
    expect(asked).toEqual(['/grpc.health.v1.Health/Check shop.Orders']);
  });

  it('says what else it answers', async () => {
    const { port } = await health(2);
    expect(await ask(`grpc://127.0.0.1:${port}`)).toMatchObject({
      state: 'waiting',
      message: expect.stringContaining('NOT_SERVING'),
    });
    const unknown = await health(0, '5');
    expect((await ask(`grpc://127.0.0.1:${unknown.port}/x`)).message).toContain(
      'does not know the service "x"',
    );
    const old = await health(0, '12');
    expect((await ask(`grpc://127.0.0.1:${old.port}`)).message).toContain('does not implement');
  });

  it('does not take another protocol for an answer', async () => {
    const port = await http((_request, response) => response.end('hello'));
    expect(await ask(`grpc://127.0.0.1:${port}`)).toMatchObject({ state: 'waiting' });
  });

  it('writes and reads what protobuf says', () => {
    expect([...healthRequest('')]).toEqual([0, 0, 0, 0, 0]);
    expect([...healthRequest('ab')]).toEqual([0, 0, 0, 0, 4, 10, 2, 97, 98]);
    expect(healthRequest('x'.repeat(300)).subarray(5, 8)).toEqual(Buffer.from([10, 0xac, 2]));
    expect(servingStatus(Buffer.from([0, 0, 0, 0, 0]))).toBe('UNKNOWN');
    expect(servingStatus(Buffer.from([0, 0, 0, 0, 6, 18, 2, 9, 9, 8, 1]))).toBe('SERVING');
    for (const wrong of [
      [],
      [1, 0, 0, 0, 0],
      [0, 0, 0, 0, 9],
      [0, 0, 0, 0, 1, 8 | 0x80],
      [0, 0, 0, 0, 1, 15],
    ])
      expect(servingStatus(Buffer.from(wrong)), String(wrong)).toBeUndefined();
  });
});

describe('a Webhook', () => {
  it('gets the Transform, the node and the object, which is read once as long as it stays the same', async () => {
    const bodies: string[] = [];
    const port = await http((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        response.end('{"ready": true, "message": "all\\ngood"}');
      });
    });
    const [made, memory, reads] = [asker(), {}, { count: 0 }];
    const asked = question({ type: 'Webhook', url: `http://127.0.0.1:${port}/check` }, 'Deployment', reads);
    for (let times = 0; times < 2; times += 1) {
      expect(await made.ask(asked, memory, AbortSignal.timeout(5_000))).toEqual({
        state: 'ready',
        reason: 'Ready',
        message: `is ready by webhook http://127.0.0.1:${port}/check: all good`,
      });
    }
    expect(reads.count).toBe(1);
    const { managedFields: _managedFields, ...metadata } = live.metadata;
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      transform: { namespace: 'shop', name: 'web' },
      node: 'app',
      object: { ...live, metadata },
    });
  });

  it.each([
    ['{"ready": false}', 'waiting', 'says no'],
    ['{"ready": false, "failed": true, "message": "quota"}', 'failed', 'quota'],
    ['{"ready": "yes"}', 'waiting', 'does not answer'],
    ['{"ready": true, "failed": true}', 'waiting', 'does not answer'],
    ['{"ready": true, "status": "x"}', 'waiting', 'does not answer'],
    ['[true]', 'waiting', 'no JSON object'],
    ['{', 'waiting', 'no JSON object'],
    [`{"ready": true, "message": "${'x'.repeat(70_000)}"}`, 'waiting', 'larger than 65536'],
  ])('that answers what $2 is for is $1', async (body, state, said) => {
    const port = await http((_request, response) => response.end(body));
    expect(await ask(`http://127.0.0.1:${port}/`, 'Webhook')).toMatchObject({
      state,
      message: expect.stringContaining(said),
    });
  });

  it('never gets a Secret, and is http or https', async () => {
    let requests = 0;
    const port = await http((_request, response) => {
      requests += 1;
      response.end('{"ready": true}');
    });
    const reads = { count: 0 };
    const secret = question({ type: 'Webhook', url: `http://127.0.0.1:${port}/` }, 'Secret', reads);
    expect(await asker().ask(secret, {}, AbortSignal.timeout(5_000))).toMatchObject({
      state: 'failed',
      reason: 'InvalidProbe',
    });
    expect([requests, reads.count]).toEqual([0, 0]);
    expect(await ask(`tcp://127.0.0.1:${port}`, 'Webhook')).toMatchObject({
      state: 'failed',
      reason: 'InvalidProbe',
    });
  });
});
