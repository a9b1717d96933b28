import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterAll, describe, expect } from 'vitest';
import {
  CRASHES,
  conditionOf,
  configMap,
  deploymentObject,
  docExample,
  inline,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator({ flags: ['--egress-allow', '127.0.0.1/32'] });

const ends: (() => void)[] = [];

afterAll(() => {
  for (const end of ends.splice(0)) end();
});

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** A web service of the test's, which answers what it is told to. */
async function service(answer: {
  status: number;
  body?: string;
}): Promise<{ port: number; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push(Buffer.concat(chunks).toString());
      response.writeHead(answer.status).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: portOf(server.address()), requests };
}

describe.concurrent('readiness by probes', () => {
  story(
    'a node is ready when the HTTP service that it names answers, and a dependent waits for it',
    async ({ space }) => {
      const answer = { status: 503 };
      const { port } = await service(answer);
      const url = `http://127.0.0.1:${port}/health`;
      await space.transform(
        'shop',
        inline({
          db: configMap('db', {}, { readyWhen: [{ type: 'External', url, interval: '1s' }] }),
          app: configMap('app', {}, { dependsOn: ['db'] }),
        }),
      );
      const waiting = await space.untilTransform(
        'shop',
        'names the probe',
        ({ status }) => status?.blockedBy?.includes('answers with status 503') === true,
      );
      expect(waiting.status?.blockedBy).toMatch(
        /^db: ConfigMap \S+\/db is not ready: http:\/\/127.* since 20/,
      );
      expect(await space.find('ConfigMap', 'app')).toBeUndefined();
      answer.status = 200;
      await space.untilReady('shop');
      expect(await space.find('ConfigMap', 'app')).toBeDefined();
    },
  );

  story('what it may not ask is named, with the flag that would allow it', async ({ space }) => {
    const readyWhen = [{ type: 'External', url: 'tcp://10.0.0.1:5432' }];
    await space.transform('shop', inline({ db: configMap('db', {}, { readyWhen }) }));
    const failed = await space.untilFailing('shop', 'EgressRefused');
    expect(failed.status?.blockedBy).toContain(
      '10.0.0.1 is a private address; an administrator can allow it with --egress-allow 10.0.0.1',
    );
  });

  story(
    'a port that nobody listens on is a timeout in the end, and ready when somebody does',
    async ({ space }) => {
      const reserved = createTcpServer();
      await new Promise<void>((resolve) => reserved.listen(0, '127.0.0.1', resolve));
      const port = portOf(reserved.address());
      await new Promise((resolve) => reserved.close(resolve));
      const readyWhen = [{ type: 'External', url: `tcp://127.0.0.1:${port}`, interval: '1s', timeout: '3s' }];
      await space.transform('shop', inline({ db: configMap('db', {}, { readyWhen }) }));
      const late = await space.untilFailing('shop', 'ReadinessTimeout');
      expect(late.status?.blockedBy).toContain('ECONNREFUSED');
      const server = createTcpServer((socket) => socket.end());
      ends.push(() => server.close());
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      await space.untilReady('shop');
    },
  );

  story('a webhook sees the object and says no, failed, and yes', async ({ space }) => {
    const answer = { status: 200, body: '{"ready": false, "message": "still copying"}' };
    const { port, requests } = await service(answer);
    const readyWhen = [{ type: 'Webhook', url: `http://127.0.0.1:${port}/`, interval: '1s' }];
    await space.transform('shop', inline({ data: configMap('data', { key: 'value' }, { readyWhen }) }));
    await space.untilTransform(
      'shop',
      'waits',
      ({ status }) => status?.blockedBy?.includes('still copying') === true,
    );
    expect(JSON.parse(requests[0] ?? '')).toMatchObject({
      transform: { namespace: space.namespace, name: 'shop' },
      node: 'data',
      object: { kind: 'ConfigMap', data: { key: 'value' } },
    });
    answer.body = '{"ready": false, "failed": true, "message": "disk is broken"}';
    const failed = await space.untilFailing('shop', 'WebhookFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('disk is broken');
    answer.body = '{"ready": true}';
    await space.untilReady('shop');
  });
});

describe.concurrent('health', () => {
  story('a Deployment whose containers crash says so, by name', async ({ space }) => {
    await space.transform('shop', inline({ app: { object: deploymentObject('web', {}, CRASHES) } }));
    const crashing = await space.untilTransform(
      'shop',
      'names the crash loop',
      ({ status }) => status?.blockedBy?.includes('CrashLoopBackOff') === true,
    );
    expect(crashing.status?.blockedBy).toContain(
      `Deployment ${space.namespace}/web is not available (0/1): container main is in CrashLoopBackOff (exit code 1), 5 restarts since `,
    );
  });

  story(
    'what degrades is named, and is healthy again when it recovers: the example of the page',
    async ({ space }) => {
      const server = createTcpServer((socket) => socket.end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const port = portOf(server.address());
      const manifest = await docExample('readiness.md', 'wait for a service');
      await space.kubectl(
        ['apply', '--server-side', '-f', '-'],
        manifest.replace('port: 5432', `port: ${port}`).replace('interval: 30s', 'interval: 1s'),
      );
      await space.untilReady('shop');
      const untilHealthy = (status: string) =>
        until(
          `Healthy is ${status}`,
          () => space.graphStatus('shop'),
          ({ conditions }) =>
            conditions?.some((each) => each.type === 'Healthy' && each.status === status) === true,
        );
      await untilHealthy('True');
      await new Promise((resolve) => server.close(resolve));
      const degraded = await untilHealthy('False');
      expect(degraded.conditions?.find(({ type }) => type === 'Healthy')?.message).toContain(
        `1 of 1 nodes were ready and are not; db: ConfigMap ${space.namespace}/db is not ready: tcp://127.0.0.1:${port}`,
      );
      expect(degraded.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
      expect(degraded.nodeStatus?.['db']).toMatchObject({ phase: 'Applied', setbacks: 1 });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      ends.push(() => server.close());
      const recovered = await untilHealthy('True');
      expect(recovered.history?.map(({ reason }) => reason)).toEqual(['FirstReady', 'Degraded', 'Recovered']);
      await space.untilReady('shop');
    },
  );

  story('a graph that is not ready by its deadline fails', async ({ space }) => {
    const readyWhen = [{ type: 'External', url: 'tcp://127.0.0.1:1', interval: '1s' }];
    await space.transform(
      'shop',
      inline({ db: configMap('db', {}, { readyWhen }) }, { progressDeadline: '3s' }),
    );
    await space.untilFailing('shop', 'ProgressDeadlineExceeded');
    expect(await space.graphStatus('shop')).toMatchObject({ phase: 'Failed' });
  });
});
