// `story` is a test with a namespace of its own; `useOperator` is the operator that the stories of a file share.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, inject, type TestAPI, test } from 'vitest';
import { kubeconfigConfig, NAMESPACES, OperatorClient } from '../../src/kube/index.ts';
import { silentLogger } from '../../src/observability/index.ts';
import { accessControlPlane, type ControlPlaneAccess } from '../../test/control-plane/index.ts';
import { Operator, type OperatorSettings } from './operator.ts';
import { Space } from './space.ts';

export const cluster: ControlPlaneAccess = accessControlPlane(inject('controlPlane'));

const LOG_LINES = 60;
const CALL_TIMEOUT_MS = 30_000;

let admin: OperatorClient | undefined;
let current: Operator | undefined;

/** CRDs and rights, as an administrator installs them; a client for what stories do as admin. */
async function install(): Promise<void> {
  const { kubectl, kubeconfigPath } = cluster;
  const apply = ['apply', '--server-side', '--force-conflicts', '-f'];
  await kubectl([...apply, 'crds/', '-f', 'deploy/']);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', 'crds/']);
  admin ??= new OperatorClient({
    config: await kubeconfigConfig({ path: kubeconfigPath }),
    version: 'e2e',
    log: silentLogger(),
    now: Date.now,
    maxInFlight: 64,
  });
}

export function adminClient(): OperatorClient {
  if (admin === undefined) throw new Error('nothing is installed yet: call useOperator in the file');
  return admin;
}

/** Installs everything and keeps one operator running for all stories of the file. */
export function useOperator(settings: OperatorSettings = {}): { readonly operator: Operator } {
  beforeAll(async () => {
    await install();
    current = await Operator.start(cluster, settings);
  });
  afterAll(async () => {
    await current?.release();
    await admin?.close();
    current = undefined;
    admin = undefined;
  });
  return {
    get operator(): Operator {
      if (current === undefined) throw new Error('the operator runs only while stories do');
      return current;
    },
  };
}

/** A namespace with a ServiceAccount `deployer` that may edit in it. */
export async function openSpace(): Promise<Space> {
  const namespace = `story-${randomUUID().slice(0, 8)}`;
  const space = new Space(namespace, adminClient(), cluster.kubectl);
  const metadata = { name: namespace };
  await adminClient().create(
    NAMESPACES,
    { apiVersion: 'v1', kind: 'Namespace', metadata },
    {},
    AbortSignal.timeout(CALL_TIMEOUT_MS),
  );
  await space.create('ServiceAccount', 'deployer', {});
  await allowEdit(space);
  return space;
}

/** Gives the ServiceAccount `deployer` the rights that the role `edit` has. */
export async function allowEdit(space: Space): Promise<void> {
  await space.create('RoleBinding', 'deployer-edit', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: space.namespace }],
  });
}

/** A test with a namespace of its own, which goes away afterwards. On failure the operator's log is shown. */
export const story: TestAPI<{ space: Space }> = test.extend<{ space: Space }>({
  space: async ({ onTestFailed }, use) => {
    const space = await openSpace();
    onTestFailed(() => showLog(space.namespace));
    await use(space);
    await cluster.kubectl(['delete', 'namespace', space.namespace, '--wait=false']);
  },
});

/** What the operator said about this namespace, and what it said last. */
function showLog(namespace: string): void {
  const lines = (current?.log ?? '').split('\n');
  const concerned = lines.filter((line) => line.includes(namespace)).slice(-LOG_LINES);
  const text = ['', `operator about ${namespace}:`, ...concerned, 'and last:', ...lines.slice(-10), ''];
  process.stderr.write(text.join('\n'));
}
