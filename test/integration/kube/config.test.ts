import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TerminalError } from '../../../src/errors.ts';
import {
  type ClusterConfig,
  inClusterConfig,
  isInCluster,
  isUnauthorized,
  kubeconfigConfig,
  NAMESPACES,
  OperatorClient,
  TransportError,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';
import { eventually } from '../eventually.ts';
import { soon } from './cluster.ts';

const { url, caFile, kubeconfigPath, kubectl } = accessControlPlane(inject('controlPlane'));
const server = new URL(url);
const env = { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port };
let mount: string;
let token: string;

beforeAll(async () => {
  mount = await mkdtemp(join(tmpdir(), 'pequod-mount-'));
  await kubectl(['create', 'serviceaccount', 'in-cluster', '-n', 'default']);
  await kubectl([
    'create',
    'clusterrolebinding',
    'in-cluster',
    '--clusterrole=view',
    '--serviceaccount=default:in-cluster',
  ]);
  token = (await kubectl(['create', 'token', 'in-cluster', '-n', 'default'])).trim();
  await writeFile(join(mount, 'namespace'), 'operator-home');
  await writeFile(join(mount, 'token'), `${token}\n`);
  await writeFile(join(mount, 'ca.crt'), await readFile(caFile));
});

afterAll(async () => {
  await rm(mount, { recursive: true });
  await kubectl(['delete', 'clusterrolebinding', 'in-cluster']);
  await kubectl(['delete', 'serviceaccount', 'in-cluster', '-n', 'default']);
});

function clientOf(config: ClusterConfig, now: () => number): OperatorClient {
  return new OperatorClient({ config, version: 'test', log: silentLogger(), now });
}

function read(client: OperatorClient): Promise<string> {
  return client.get(NAMESPACES, { name: 'default' }, soon()).then((object) => object.metadata.name);
}

describe('in a cluster', () => {
  it('is told from outside by the environment that is passed in', async () => {
    expect([isInCluster(env), isInCluster({})]).toEqual([true, false]);
    await expect(inClusterConfig({ env: {} })).rejects.toBeInstanceOf(TerminalError);
    await expect(inClusterConfig({ env, mount: join(mount, 'none') })).rejects.toBeInstanceOf(TerminalError);
    const six = await inClusterConfig({ env: { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, mount });
    expect(six.server).toBe(`https://[fd00::1]:${server.port}`);
  });

  it('follows the token and the authority as they are rotated', async () => {
    let nowMs = 0;
    const config = await inClusterConfig({ env, mount });
    expect(config.namespace).toBe('operator-home');
    const client = clientOf(config, () => nowMs);
    try {
      await eventually(async () => expect(await read(client)).toBe('default'));
      await writeFile(join(mount, 'token'), 'expired');
      expect(await read(client)).toBe('default');
      nowMs += 60_000;
      expect(isUnauthorized(await read(client).catch((error: unknown) => error))).toBe(true);
      await writeFile(join(mount, 'token'), token);
      expect(await read(client)).toBe('default');
      const authority = await readFile(join(mount, 'ca.crt'), 'utf8');
      await writeFile(join(mount, 'ca.crt'), '');
      nowMs += 60_000;
      expect(await read(client).catch((error: unknown) => error)).toBeInstanceOf(TransportError);
      await writeFile(join(mount, 'ca.crt'), authority);
      nowMs += 60_000;
      expect(await read(client)).toBe('default');
    } finally {
      await client.close();
    }
  });
});

describe('a kubeconfig', () => {
  it('with a client certificate works', async () => {
    const config = await kubeconfigConfig({ path: kubeconfigPath });
    expect(config.server).toBe(url);
    const client = clientOf(config, Date.now);
    try {
      expect(await read(client)).toBe('default');
    } finally {
      await client.close();
    }
  });

  it('with a plugin asks it, and asks again when the server refuses its token', async () => {
    const path = join(mount, 'kubeconfig');
    const credential = join(mount, 'credential.json');
    const status = (value: string): string =>
      JSON.stringify({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token: value },
      });
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'cat',
      args: [credential],
      interactiveMode: 'Never',
    };
    const cluster = { server: url, 'certificate-authority': caFile };
    await writeFile(
      path,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'home' } }],
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user: { exec } }],
      }),
    );
    await writeFile(credential, status('expired'));
    const config = await kubeconfigConfig({ path });
    expect(config.namespace).toBe('home');
    const client = clientOf(config, () => 0);
    try {
      expect(isUnauthorized(await read(client).catch((error: unknown) => error))).toBe(true);
      await writeFile(credential, status(token));
      expect(await read(client)).toBe('default');
    } finally {
      await client.close();
    }
  });

  it('that can not be used says why', async () => {
    const missing = kubeconfigConfig({ path: join(mount, 'none') });
    await expect(missing).rejects.toBeInstanceOf(TerminalError);
    await expect(kubeconfigConfig({ path: kubeconfigPath, context: 'none' })).rejects.toBeInstanceOf(
      TerminalError,
    );
  });
});
