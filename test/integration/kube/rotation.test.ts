// Credentials that change under a running client, as the kubelet changes them: a folder of links that is swapped as a
// whole. On a control plane of its own, whose authority changes on the way.
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  fixedClusterConfig,
  Informer,
  inClusterConfig,
  isUnauthorized,
  NAMESPACES,
  OperatorClient,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { createAuthority, issueCertificate } from '../../control-plane/certificates.ts';
import { type ControlPlane, startControlPlane } from '../../control-plane/index.ts';
import { layoutOf, pkiFile } from '../../control-plane/layout.ts';
import { eventually } from '../eventually.ts';
import { soon } from './cluster.ts';

let controlPlane: ControlPlane;
let mount = '';
let generation = 0;

beforeAll(async () => {
  controlPlane = await startControlPlane({ components: ['controller-manager'] });
  mount = await mkdtemp(join(tmpdir(), 'pequod-rotation-'));
  const { kubectl } = controlPlane;
  await kubectl(['create', 'serviceaccount', 'rotating', '-n', 'default']);
  await kubectl([
    'create',
    'clusterrolebinding',
    'rotating',
    '--clusterrole=view',
    '--serviceaccount=default:rotating',
  ]);
});

afterAll(async () => {
  await controlPlane?.stop();
  await rm(mount, { recursive: true, force: true });
});

/** As the kubelet writes a volume: a new folder, and one link that is swapped. */
async function project(files: { readonly token: string; readonly 'ca.crt': string }): Promise<void> {
  generation += 1;
  const folder = join(mount, `..${generation}`);
  await mkdir(folder);
  for (const [name, content] of Object.entries({ ...files, namespace: 'default' })) {
    await writeFile(join(folder, name), content);
    if (generation === 1) await symlink(join('..data', name), join(mount, name));
  }
  const link = join(mount, '..data_tmp');
  await symlink(`..${generation}`, link);
  await rename(link, join(mount, '..data'));
}

/** A token that ends when its Secret is deleted, as a Pod's ends with the Pod. */
async function boundToken(secret: string): Promise<string> {
  const { kubectl } = controlPlane;
  await kubectl(['create', 'secret', 'generic', secret, '-n', 'default']);
  const bound = ['--bound-object-kind=Secret', `--bound-object-name=${secret}`];
  return (await kubectl(['create', 'token', 'rotating', '-n', 'default', ...bound])).trim();
}

/** Whether the server still takes this token. */
async function isTaken(token: string, caData: string): Promise<boolean> {
  const config = fixedClusterConfig({ server: controlPlane.url, token, tls: { caData } });
  const client = new OperatorClient({ config, version: 'test', log: silentLogger(), now: Date.now });
  try {
    await client.get(NAMESPACES, { name: 'default' }, soon());
    return true;
  } catch (error) {
    if (isUnauthorized(error)) return false;
    throw error;
  } finally {
    await client.close();
  }
}

it('no call fails and no change is missed when the token ends and when the authority changes', {
  timeout: 240_000,
}, async () => {
  const { kubectl, caFile, url, directory } = controlPlane;
  const oldAuthority = await readFile(caFile, 'utf8');
  const first = await boundToken('first');
  await project({ token: first, 'ca.crt': oldAuthority });
  const server = new URL(url);
  const env = { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port };
  const client = new OperatorClient({
    config: await inClusterConfig({ env, mount }),
    version: 'test',
    log: silentLogger(),
    now: Date.now,
  });
  const read = (): Promise<unknown> => client.get(NAMESPACES, { name: 'default' }, soon());
  const informer = new Informer({
    client,
    resource: CONFIG_MAPS,
    namespace: 'default',
    project: ({ metadata }) => metadata.name,
    log: silentLogger(),
    now: Date.now,
    random: Math.random,
  });
  try {
    informer.start();
    await informer.waitForSync(soon());
    await read();

    const second = await boundToken('second');
    await project({ token: second, 'ca.crt': oldAuthority });
    await kubectl(['delete', 'secret', 'first', '-n', 'default']);
    await eventually(async () => expect(await isTaken(first, oldAuthority)).toBe(false));
    await Promise.all(Array.from({ length: 20 }, read));
    await kubectl(['create', 'configmap', 'after-token', '-n', 'default']);
    await eventually(async () => expect(informer.get('default', 'after-token')).toBe('after-token'));

    const layout = layoutOf(directory);
    const authority = createAuthority('pequod-new-authority');
    const hosts = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
    const serving = issueCertificate(
      authority,
      { commonName: 'kube-apiserver' },
      { kind: 'server', hosts, addresses: [server.hostname] },
    );
    await controlPlane.stopApiServer('at-once');
    // Both are trusted by the server's own clients, and what they were given by the old one goes on being good.
    const bundle = `${oldAuthority}${authority.certificate}`;
    await writeFile(layout.caFile, bundle);
    await writeFile(pkiFile(layout, 'kube-apiserver.crt'), serving.certificate);
    await writeFile(pkiFile(layout, 'kube-apiserver.key'), serving.key);
    await controlPlane.startApiServer();
    // The volume is still the old one: the server can't be known.
    await expect(read()).rejects.toThrow(/certificate/);
    await project({ token: second, 'ca.crt': bundle });
    await Promise.all(Array.from({ length: 20 }, read));
    const admin = controlPlane.kubectlAs(await adminKubeconfig());
    await admin(['create', 'configmap', 'after-authority', '-n', 'default']);
    await eventually(async () => expect(informer.get('default', 'after-authority')).toBe('after-authority'));
  } finally {
    await informer.stop();
    await client.close();
  }
});

/** The admin's kubeconfig, with the authorities of now. */
async function adminKubeconfig(): Promise<string> {
  const { kubeconfigPath, caFile, directory } = controlPlane;
  const authorities = Buffer.from(await readFile(caFile)).toString('base64');
  const text = await readFile(kubeconfigPath, 'utf8');
  const path = join(directory, 'admin-of-now.yaml');
  const changed = text.replace(/(certificate-authority-data: ).*/, `$1${authorities}`);
  await writeFile(path, changed);
  return path;
}
