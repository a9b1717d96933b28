// What has to be true before a control plane is handed out, and the fake node that kwok then keeps alive.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { isJsonArray, isJsonObject } from '../../src/json/index.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';

const NODE_NAME = 'node-0';
/** Below the range from which systems take ports for outgoing connections, so that a stopped server's stays free. */
const PORTS = { first: 20_000, last: 30_000 } as const;
const PORT_ATTEMPTS = 50;

/** A port of 127.0.0.1 on which nothing listens. */
export async function choosePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const port = randomInt(PORTS.first, PORTS.last);
    const server = createServer();
    const isFree = new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!(await isFree)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('found no free port');
}

/** Whether /readyz says that all of the server's start-up is over, the default roles included. */
export function isServerReady(answer: ApiAnswer): boolean {
  return answer.status === 200 && answer.text === 'ok';
}

/** Creates the node; its capacity and conditions come from kwok's node-start stage. */
export async function addNode(client: ApiClient, signal: AbortSignal): Promise<void> {
  const labels = {
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': NODE_NAME,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/role': 'agent',
    type: 'kwok',
  };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE_NAME, labels } };
  await client.object('POST', '/api/v1/nodes', node, signal);
}

/** Which parts run, and so what can be waited for. */
export interface Expectations {
  readonly hasControllers: boolean;
  readonly hasNode: boolean;
}

/** Waits until pods can be created (their default service account exists) and the node is ready and takes them. */
export async function waitForDefaults(
  client: ApiClient,
  { hasControllers, hasNode }: Expectations,
  signal: AbortSignal,
): Promise<void> {
  if (hasControllers) {
    const account = '/api/v1/namespaces/default/serviceaccounts/default';
    await client.waitFor(account, (answer) => answer.status === 200, signal);
  }
  if (hasNode) {
    await client.waitFor(
      `/api/v1/nodes/${NODE_NAME}`,
      (answer) => isNodeReady(answer, hasControllers),
      signal,
    );
  }
}

/** The node controller takes the not-ready taint away only after it has seen the condition. */
function isNodeReady(answer: ApiAnswer, hasControllers: boolean): boolean {
  if (answer.status !== 200) return false;
  const node: unknown = JSON.parse(answer.text);
  if (!isJsonObject(node)) return false;
  const { spec, status } = node;
  const conditions = isJsonObject(status) ? status['conditions'] : undefined;
  const isReady =
    isJsonArray(conditions) &&
    conditions.some((one) => isJsonObject(one) && one['type'] === 'Ready' && one['status'] === 'True');
  const isTainted = isJsonObject(spec) && spec['taints'] !== undefined;
  return isReady && !(hasControllers && isTainted);
}
