import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { accessControlPlane, KubectlError } from '../../control-plane/index.ts';
import { waitUntil } from './processes.ts';

const cluster = accessControlPlane(inject('controlPlane'));

async function createNamespace(name: string): Promise<string> {
  await cluster.kubectl(['create', 'namespace', name]);
  return name;
}

function manifest(object: object): string {
  return JSON.stringify(object);
}

test('a Deployment of three replicas becomes available, and its pods go when it goes', async () => {
  const namespace = await createNamespace('deployments');
  await cluster.kubectl(['-n', namespace, 'create', 'deployment', 'web', '--image=web', '--replicas=3']);
  await cluster.kubectl([
    '-n',
    namespace,
    'wait',
    'deployment/web',
    '--for=condition=Available',
    '--timeout=30s',
  ]);

  const ready = ['get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}'];
  expect(await cluster.kubectl(['-n', namespace, ...ready])).toBe('3');

  await cluster.kubectl(['-n', namespace, 'delete', 'deployment', 'web']);
  await waitUntil('the pods are gone', async () => {
    return (await cluster.kubectl(['-n', namespace, 'get', 'pods', '-o', 'name'])) === '';
  });
});

test('a Job completes; one whose pods are told to fail, fails; a pod told to wait stays Pending', async () => {
  const namespace = await createNamespace('jobs');
  const job = (name: string, outcome: string): object => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations: { 'control-plane.test/outcome': outcome } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'main' }] },
      },
    },
  });
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl(['-n', namespace, ...args]);
  const items = [job('good', 'succeeded'), job('bad', 'failed'), job('slow', 'pending')];
  await cluster.kubectl(
    ['-n', namespace, 'apply', '-f', '-'],
    manifest({ apiVersion: 'v1', kind: 'List', items }),
  );
  await kubectl('wait', 'job/good', '--for=condition=Complete', '--timeout=30s');
  await kubectl('wait', 'job/bad', '--for=condition=Failed', '--timeout=30s');
  const slow = ['-l', 'batch.kubernetes.io/job-name=slow'];
  expect(await kubectl('get', 'pods', ...slow, '-o', 'jsonpath={.items[*].status.phase}')).toBe('Pending');

  await kubectl('annotate', 'pods', ...slow, 'control-plane.test/outcome-');
  await kubectl('wait', 'job/slow', '--for=condition=Complete', '--timeout=30s');
});

test("a service account's token carries its rights and no more", async () => {
  const namespace = await createNamespace('rights');
  await cluster.kubectl(['-n', namespace, 'create', 'serviceaccount', 'reader']);
  const binding = [
    'create',
    'rolebinding',
    'reader',
    '--clusterrole=view',
    `--serviceaccount=${namespace}:reader`,
  ];
  await cluster.kubectl(['-n', namespace, ...binding]);

  const kubeconfig = await cluster.kubeconfigFor({ serviceAccount: { namespace, name: 'reader' } });
  const reader = cluster.kubectlAs(kubeconfig);
  expect(await reader(['-n', namespace, 'get', 'configmaps', '-o', 'name'])).toContain('kube-root-ca.crt');

  const create = reader(['-n', namespace, 'create', 'configmap', 'mine']);
  await expect(create).rejects.toThrow(KubectlError);
  await expect(create).rejects.toThrow(
    `User "system:serviceaccount:${namespace}:reader" cannot create resource "configmaps"`,
  );
  await expect(reader(['-n', 'kube-system', 'get', 'secrets'])).rejects.toThrow('(Forbidden)');
});

test('a user kubeconfig speaks for that user and those groups', async () => {
  const kubeconfig = await cluster.kubeconfigFor({ user: 'jane', groups: ['developers', 'auditors'] });
  const whoami: unknown = JSON.parse(await cluster.kubectlAs(kubeconfig)(['auth', 'whoami', '-o', 'json']));
  expect(whoami).toMatchObject({
    status: {
      userInfo: { username: 'jane', groups: ['developers', 'auditors', 'system:authenticated'] },
    },
  });
});

test('an unknown service account gets no kubeconfig', async () => {
  const identity = { serviceAccount: { namespace: 'default', name: 'nobody' } };
  await expect(cluster.kubeconfigFor(identity)).rejects.toThrow('serviceaccounts "nobody" not found');
});

test('the server is verified with the CA file, and not without', async () => {
  const status = (ca: string | undefined): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = ca === undefined ? {} : { ca };
      request(`${cluster.url}/readyz`, options, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
  const kubeconfig: unknown = parse(await cluster.kubectl(['config', 'view', '--raw']));
  expect(kubeconfig).toMatchObject({ clusters: [{ cluster: { server: cluster.url } }] });
  expect(await status(await readFile(cluster.caFile, 'utf8'))).toBe(200);
  await expect(status(undefined)).rejects.toThrow(/certificate/);
});
