// What the demo does in the cluster, step by step. Every wait ends with its signal.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Kubectl } from '../test/control-plane/index.ts';
import { objectsIn, waitUntilClean } from './leftovers.ts';
import type { Screen } from './screen.ts';
import { flatLines, readViews, type TransformView, treeLines } from './tree.ts';

export const NAMESPACE = 'shop';
const WEBSERVICE = 'storefront';
const TRANSFORMS = 2;
const ROOT = join(import.meta.dirname, '..');
const POLL_MS = 300;
const CLEAN_TIMEOUT_MS = 60_000;
const NEW_INPUT = { replicas: 4, image: 'docker.io/nginxinc/nginx-unprivileged:1.27.3' };

export interface Stage {
  readonly kubectl: Kubectl;
  readonly screen: Screen;
}

/** The kinds and the operator's rights. */
export async function install({ kubectl, screen }: Stage): Promise<void> {
  screen.say('installing the CRDs and the operator’s rights');
  await kubectl(['apply', '--server-side', '-f', join(ROOT, 'crds'), '-f', join(ROOT, 'deploy/rbac.yaml')]);
  const kinds = ['transforms', 'resourcegraphs'].map((plural) => `crd/${plural}.platform.pequod.io`);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...kinds]);
}

/** What a tenant and an administrator bring: a namespace, a ServiceAccount, credentials, and volumes. */
export async function prepareNamespace({ kubectl, screen }: Stage): Promise<ReadonlySet<string>> {
  screen.say(`namespace ${NAMESPACE}: a ServiceAccount that may edit in it, a Secret, two volumes`);
  await kubectl(['apply', '-f', join(ROOT, 'examples/namespace.yaml')]);
  await kubectl(['apply', '-f', '-'], [credentials(), volume('volume-1'), volume('volume-2')].join('---\n'));
  return await objectsIn(kubectl, NAMESPACE);
}

/** Applies both examples and shows their nodes until they are Ready. */
export async function applyExamples(stage: Stage, signal: AbortSignal): Promise<void> {
  stage.screen.say('kubectl apply -f examples/webservice.yaml -f examples/database.yaml');
  const files = ['webservice', 'database'].flatMap((name) => ['-f', join(ROOT, `examples/${name}.yaml`)]);
  await stage.kubectl(['apply', ...files]);
  await showUntil(stage, areReady, signal);
  stage.screen.say('both are Ready');
}

/** Changes the web service's input and shows it roll. */
export async function changeInput(stage: Stage, signal: AbortSignal): Promise<void> {
  const patch = JSON.stringify({ spec: { input: NEW_INPUT } });
  stage.screen.say(`kubectl -n ${NAMESPACE} patch transform ${WEBSERVICE} --type merge -p '${patch}'`);
  await stage.kubectl(['-n', NAMESPACE, 'patch', 'transform', WEBSERVICE, '--type', 'merge', '-p', patch]);
  await showUntil(stage, areReady, signal);
  const what = '{.spec.template.spec.containers[0].image} {.status.availableReplicas}';
  const found = await stage.kubectl([
    '-n',
    NAMESPACE,
    'get',
    'deployment',
    WEBSERVICE,
    '-o',
    `jsonpath=${what}`,
  ]);
  const expected = `${NEW_INPUT.image} ${NEW_INPUT.replicas}`;
  if (found !== expected) throw new Error(`the Deployment has ${found} where ${expected} was asked for`);
  stage.screen.say(`the Deployment runs ${NEW_INPUT.replicas} Pods of ${NEW_INPUT.image}`);
}

/** Deletes both Transforms and checks that nothing of theirs is left. */
export async function deleteAll(
  stage: Stage,
  before: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  stage.screen.say(`kubectl -n ${NAMESPACE} delete transforms --all`);
  await stage.kubectl(['-n', NAMESPACE, 'delete', 'transforms', '--all', '--wait=false']);
  await showUntil(stage, (views) => views.length === 0, signal);
  const graphs = await stage.kubectl(['-n', NAMESPACE, 'get', 'resourcegraphs', '-o', 'name']);
  if (graphs.trim() !== '') throw new Error(`the Transforms are gone, but not ${graphs.trim()}`);
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(CLEAN_TIMEOUT_MS)]);
  await waitUntilClean(stage.kubectl, NAMESPACE, before, timeout);
  stage.screen.say('nothing is left of them: no object with a graph’s label, no volume claim, nothing new');
}

/** Draws the tree until `isDone`. @throws the signal's reason */
export async function showUntil(
  { kubectl, screen }: Stage,
  isDone: (views: readonly TransformView[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const json = await kubectl(['-n', NAMESPACE, 'get', 'transforms,resourcegraphs', '-o', 'json']);
    const views = readViews(json);
    screen.draw(screen.isInteractive ? treeLines(views, screen.paint) : flatLines(views));
    if (isDone(views)) return;
    await delay(POLL_MS);
  }
}

function areReady(views: readonly TransformView[]): boolean {
  return views.length === TRANSFORMS && views.every(({ isReady }) => isReady);
}

function credentials(): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'orders-credentials', namespace: NAMESPACE },
    stringData: { username: 'orders', password: randomBytes(16).toString('hex') },
  });
}

/** There is no storage provisioner here, so the volumes are made by hand. */
function volume(name: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/volumes/${name}` },
    },
  });
}
