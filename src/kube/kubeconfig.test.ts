import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { kubeconfigConfig } from './kubeconfig.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pequod-home-'));
  vi.stubEnv('HOME', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

function kubeconfig(current: string | undefined): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    ...(current === undefined ? {} : { 'current-context': current }),
    clusters: [{ name: 'near', cluster: { server: 'https://near.example' } }],
    users: [{ name: 'ann', user: { token: 'none' } }],
    contexts: [
      { name: 'a', context: { cluster: 'near', user: 'ann', namespace: 'shop' } },
      { name: 'b', context: { cluster: 'far', user: 'ann' } },
    ],
  });
}

async function homeConfig(current?: string): Promise<void> {
  await mkdir(join(home, '.kube'));
  await writeFile(join(home, '.kube', 'config'), kubeconfig(current));
}

test('without any kubeconfig it says where it looked, and makes up no cluster', async () => {
  await expect(kubeconfigConfig()).rejects.toMatchObject({
    code: 'CLUSTER_CONFIG',
    message: expect.stringMatching(/^no kubeconfig found: KUBECONFIG is not set, and .*\.kube\/config can't/),
  });
});

test('the file in the home directory is taken, and KUBECONFIG before it', async () => {
  await homeConfig('a');
  expect(await kubeconfigConfig()).toMatchObject({ server: 'https://near.example', namespace: 'shop' });
  const env = { KUBECONFIG: join(home, 'other') };
  await expect(kubeconfigConfig({ env })).rejects.toMatchObject({
    code: 'CLUSTER_CONFIG',
    message: expect.stringContaining(join(home, 'other')),
  });
});

test.each([
  ['an unknown context', 'a', 'nope', 'there is no context nope (there are: a, b)'],
  ['no chosen context', undefined, undefined, 'no context is chosen (there are: a, b)'],
  ['a context whose cluster is missing', 'a', 'b', 'context b: there is no cluster far'],
])('%s is named', async (_name, current, context, message) => {
  await homeConfig(current);
  await expect(kubeconfigConfig(context === undefined ? {} : { context })).rejects.toMatchObject({
    code: 'CLUSTER_CONFIG',
    message: expect.stringContaining(message),
  });
});
