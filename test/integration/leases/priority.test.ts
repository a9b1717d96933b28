// The operator's lease calls on an API server that is flooded with the operator's own requests: deploy/flowschema.yaml
// gives them a priority level in which nobody stands before them.
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kubeconfigConfig, OperatorClient } from '../../../src/kube/index.ts';
import { type LeaseEvent, LeaseHolder } from '../../../src/leases/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { type ControlPlane, OPERATOR_IDENTITY, startControlPlane } from '../../control-plane/index.ts';
import { eventually } from '../eventually.ts';

const NAMESPACE = 'pequod-system';
const TIMINGS = { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 500 };
const RENEWALS = 40;
/** More than one user's share of the queues of his priority level: some are turned away. */
const FLOOD = 360;
const TIMEOUT_MS = 240_000;

let cluster: ControlPlane;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await startControlPlane({
    components: [],
    apiServerFlags: ['--max-requests-inflight=4', '--max-mutating-requests-inflight=4'],
  });
  await cluster.kubectl(['apply', '--server-side', '-f', 'deploy/']);
  kubeconfig = await cluster.kubeconfigFor(OPERATOR_IDENTITY);
}, TIMEOUT_MS);
afterAll(() => cluster?.stop());

async function leaseClient(): Promise<OperatorClient> {
  return new OperatorClient({
    config: await kubeconfigConfig({ path: kubeconfig }),
    version: 'test',
    log: silentLogger(),
    now: Date.now,
    timeoutMs: TIMINGS.renewDeadlineMs / 2,
  });
}

/** As the operator, past all limits of its own. */
async function rawClient(): Promise<{ get(path: string): Promise<Answer>; close(): Promise<void> }> {
  const [, token = ''] = /token: (\S+)/.exec(await readFile(kubeconfig, 'utf8')) ?? [];
  const dispatcher = new Agent({ connect: { ca: await readFile(cluster.caFile, 'utf8') } });
  const headers = { authorization: `Bearer ${token}` };
  return {
    get: async (path) => {
      const answer = await request(`${cluster.url}${path}`, { dispatcher, headers });
      await answer.body.dump();
      const flowSchema = String(answer.headers['x-kubernetes-pf-flowschema-uid']);
      return { statusCode: answer.statusCode, flowSchema };
    },
    close: () => dispatcher.close(),
  };
}

interface Answer {
  readonly statusCode: number;
  /** Its uid. */
  readonly flowSchema: string;
}

/** Which FlowSchema the API server counts a GET of the operator to. */
async function flowSchemaOf(path: string): Promise<string | undefined> {
  const client = await rawClient();
  const { flowSchema } = await client.get(path);
  await client.close();
  const query = '{range .items[*]}{.metadata.uid} {.metadata.name}{"\\n"}{end}';
  const all = await cluster.kubectl(['get', 'flowschemas', '-o', `jsonpath=${query}`]);
  return all
    .split('\n')
    .find((line) => line.startsWith(flowSchema))
    ?.split(' ')[1];
}

test('lease calls of the operator are counted to its FlowSchema, its other calls are not', async () => {
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
  expect(await flowSchemaOf(leases)).toBe('pequod-leader-election');
  expect(await flowSchemaOf(`${leases}/pequod-shard-1-0`)).toBe('pequod-leader-election');
  expect(await flowSchemaOf('/api/v1/configmaps')).toBe('service-accounts');
});

test(
  'a lease is kept while the operator floods the API server',
  async () => {
    const [leases, raw] = [await leaseClient(), await rawClient()];
    const events: LeaseEvent[] = [];
    const results: string[] = [];
    const holder = new LeaseHolder({
      client: leases,
      ...{ namespace: NAMESPACE, name: 'flooded', labels: {}, identity: 'me', timings: TIMINGS },
      log: silentLogger(),
      wallNow: Date.now,
      onCall: ({ purpose, result }) => {
        if (purpose === 'renew') results.push(result);
      },
    });
    holder.onEvent((event) => events.push(event));
    let isFlooding = true;
    let refused = 0;
    const flood = async (): Promise<void> => {
      while (isFlooding) {
        if ((await raw.get('/api/v1/configmaps')).statusCode === 429) refused += 1;
      }
    };
    holder.acquire();
    await eventually(() => expect(holder.isHeld).toBe(true));
    const floods = Array.from({ length: FLOOD }, flood);
    try {
      await eventually(() => expect(results.length).toBeGreaterThan(RENEWALS), 120_000);
    } finally {
      isFlooding = false;
      await Promise.all(floods);
    }
    expect(events.map(({ type }) => type)).toEqual(['gained']);
    expect(holder.isHeld).toBe(true);
    expect(results.filter((result) => result !== 'stored')).toEqual([]);
    expect(refused).toBeGreaterThan(0);
    await holder.release();
    await leases.close();
    await raw.close();
  },
  TIMEOUT_MS,
);
