// A release of Helm becomes a Transform, with the commands of the page and a real Helm. Nothing restarts on the way, and
// when Helm is gone nothing of the release is.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { ensureHelm } from '../test/control-plane/index.ts';
import {
  applyDocExample,
  docExample,
  member,
  openShell,
  runDocExample,
  type Shell,
  type Space,
  story,
  useOperator,
} from './support/index.ts';

const PAGE = 'adoption.md';
/** Helm is built where it is not cached. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

useOperator();

const TEMPLATE = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}, tier: front}
  annotations: { {{ if .Values.keep }} helm.sh/resource-policy: keep {{ end }} }
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
      - name: main
        image: docker.io/library/main:1
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 16Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: { {{ if .Values.keep }} helm.sh/resource-policy: keep {{ end }} }
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  annotations: { {{ if .Values.keep }} helm.sh/resource-policy: keep {{ end }} }
data: {color: blue, chart: {{ .Chart.Name }}}
`;

let folder: string;
let helm: string;
beforeAll(async () => {
  helm = await ensureHelm();
  folder = await mkdtemp(join(tmpdir(), 'helm-migration-'));
  await mkdir(join(folder, 'chart', 'templates'), { recursive: true });
  await writeFile(join(folder, 'chart', 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 1.0.0\n');
  await writeFile(join(folder, 'chart', 'values.yaml'), 'replicas: 2\nkeep: false\n');
  await writeFile(join(folder, 'chart', 'templates', 'all.yaml'), TEMPLATE);
}, BUILD_TIMEOUT_MS);
afterAll(() => rm(folder, { recursive: true }));

/** A release that was installed with these flags, and whose Pods run. */
async function install(space: Space, flags: string): Promise<Shell> {
  const shell = await openShell({ space, folder, programs: [helm] });
  await shell(`helm install web ./chart ${flags}`);
  await shell('kubectl rollout status deployment/web --timeout=60s');
  return shell;
}

const KINDS = ['Deployment', 'Service', 'ConfigMap'] as const;

async function uids(space: Space): Promise<readonly (string | undefined)[]> {
  const objects = await Promise.all(KINDS.map((kind) => space.find(kind, 'web')));
  return objects.map((object) => object?.metadata.uid);
}

/** The ReplicaSets and Pods: they get other names when they are replaced. */
async function running(space: Space): Promise<string> {
  return await space.kubectl(['get', 'replicasets,pods', '--sort-by=.metadata.name', '-o', 'name']);
}

async function dropsLabel(space: Space): Promise<void> {
  const manifest = (await docExample(PAGE, 'instead of the release')).replace(', labels: tier: "front"', '');
  await space.kubectl(['apply', '--server-side', '-f', '-'], manifest);
  await space.untilFound('Deployment', 'web', ({ metadata }) => metadata.labels?.['tier'] === undefined);
  await space.untilReady('web');
}

async function endsWithTransform(space: Space): Promise<void> {
  await space.delete('Transform', 'web');
  await space.untilGone('Transform', 'web');
  expect(await uids(space)).toEqual([undefined, undefined, undefined]);
}

for (const [how, flags, manager] of [
  ['server-side', '', 'helm (Apply)'],
  ['client-side, as Helm 3 does', '--server-side=false', 'helm (Update)'],
] as const) {
  story(`a release that was applied ${how} is taken over, and forgotten`, async ({ space }) => {
    const shell = await install(space, flags);
    const before = { uids: await uids(space), running: await running(space) };
    expect(await runDocExample(shell, PAGE, 'what the release holds')).toContain('kind: ConfigMap');

    await applyDocExample(space, PAGE, 'instead of the release');
    await space.untilReady('web');
    expect(await uids(space)).toEqual(before.uids);
    expect(await running(space)).toBe(before.running);
    const { nodeStatus } = await space.graphStatus('web');
    for (const node of ['web', 'service', 'config'])
      expect(nodeStatus?.[node]).toMatchObject({ adopted: true, previousManagers: [manager] });
    // What the module does not state went: a key, and Helm's marks.
    expect((await space.get('ConfigMap', 'web'))['data']).toEqual({ color: 'blue' });
    const { annotations = {}, labels } = (await space.get('Deployment', 'web')).metadata;
    expect(Object.keys(annotations).filter((key) => key.includes('helm'))).toEqual([]);
    expect(labels).toMatchObject({ tier: 'front' });
    expect(labels?.['app.kubernetes.io/managed-by']).not.toBe('Helm');

    await runDocExample(shell, PAGE, 'forget the release');
    expect(await shell('helm list --short')).toBe('');
    await expect(shell('helm uninstall web')).rejects.toThrow('not found');
    expect(await uids(space)).toEqual(before.uids);

    await dropsLabel(space);
    expect(await running(space)).toBe(before.running);
    await endsWithTransform(space);
  });
}

story('a release that is uninstalled after the move leaves what was taken over', async ({ space }) => {
  const shell = await install(space, '');
  const before = { uids: await uids(space), running: await running(space) };
  await applyDocExample(space, PAGE, 'instead of the release');
  await space.untilReady('web');
  expect(await shell('helm uninstall web')).toContain('release "web" uninstalled');
  await space.untilReady('web');
  expect(await uids(space)).toEqual(before.uids);
  expect(await running(space)).toBe(before.running);
  await endsWithTransform(space);
});

story("an upgrade after the move is refused, and marks objects as Helm's again", async ({ space }) => {
  const shell = await install(space, '');
  const before = await uids(space);
  await applyDocExample(space, PAGE, 'instead of the release');
  await space.untilReady('web');
  await expect(shell('helm upgrade web ./chart --set replicas=5')).rejects.toThrow('conflict');
  await space.untilReady('web');
  expect(member(await space.get('Deployment', 'web'), 'spec', 'replicas')).toBe(2);
  // This is why the page says to forget the release, not to uninstall it.
  const { annotations } = (await space.get('ConfigMap', 'web')).metadata;
  expect(annotations).toMatchObject({ 'meta.helm.sh/release-name': 'web' });
  await runDocExample(shell, PAGE, 'forget the release');
  expect(await uids(space)).toEqual(before);
  await endsWithTransform(space);
});

story('a release whose chart says keep is uninstalled before the move', async ({ space }) => {
  const shell = await install(space, '');
  const before = { uids: await uids(space), running: await running(space) };
  await shell('helm upgrade web ./chart --set keep=true');
  await shell('helm uninstall web');
  expect(await uids(space)).toEqual(before.uids);
  await applyDocExample(space, PAGE, 'instead of the release');
  await space.untilReady('web');
  expect(await uids(space)).toEqual(before.uids);
  expect(await running(space)).toBe(before.running);
  await endsWithTransform(space);
});
