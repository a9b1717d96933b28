import type { CuePool } from 'cuelang-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedNode } from '../api/index.ts';
import type { JsonObject } from '../json/index.ts';
import { type EmbeddedLibrary, loadEmbeddedLibrary, type ModuleTree, moduleTree } from '../source/index.ts';
import { createEvaluatorPool, renderContext } from './index.ts';
import { PolicyChecker } from './policies.ts';

const signal = new AbortController().signal;
const context = renderContext({ name: 'x', namespace: 'shop' }, { version: 'v1.36.3', apiVersions: [] });

let pool: CuePool;
let library: EmbeddedLibrary;

beforeAll(async () => {
  library = await loadEmbeddedLibrary(new URL('../../cue', import.meta.url).pathname);
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
});
afterAll(() => pool.close());

function node(kind: string, members: JsonObject): ResolvedNode {
  return { id: 'n', object: { apiVersion: 'v1', kind, metadata: { name: 'n' }, ...members } };
}

/** What the policies find, as `policy path`. */
async function check(
  nodes: readonly ResolvedNode[],
  tree: ModuleTree = library.policies,
): Promise<readonly string[]> {
  const found = await new PolicyChecker(pool, tree, 60_000).check({ input: {}, context, nodes }, signal);
  expect(found.every(({ severity }) => severity === 'Warning')).toBe(true);
  return found.map(({ policy, path, message }) => `${policy} ${path === '' ? message : path}`);
}

const good: JsonObject = {
  name: 'c',
  image: 'ghcr.io/acme/app:1',
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
  securityContext: { runAsNonRoot: true },
};
const podWith = (container: JsonObject, pod: JsonObject = {}): ResolvedNode =>
  node('Pod', { spec: { containers: [{ ...good, ...container }], ...pod } });

const container = 'graph.nodes.n.object.spec.containers[0]';

describe('the default policies', () => {
  it('have nothing against a careful pod', async () => {
    expect(await check([podWith({})])).toEqual([]);
    expect(await check([])).toEqual([]);
  });

  it.each([
    'nginx',
    'acme/app:1',
    'docker.io/library/nginx',
    'quay.io/a/b/c@sha256:00',
    'registry.k8s.io/pause',
  ])('allow the image %s', async (image) => expect(await check([podWith({ image })])).toEqual([]));

  it.each(['registry.example.net/app:1', 'localhost/app', 'localhost:5000/app', 'ghcr.io.example.net/app'])(
    'warn of the image %s',
    async (image) => expect(await check([podWith({ image })])).toEqual([`image-registry ${container}.image`]),
  );

  it('want requests, and a limit of memory', async () => {
    expect(await check([podWith({ resources: {} })])).toEqual([
      `resources ${container}.resources.requests.cpu`,
      `resources ${container}.resources.requests.memory`,
      `resources ${container}.resources.limits.memory`,
    ]);
  });

  it('want pods that stay in their place', async () => {
    const securityContext = { privileged: true, runAsNonRoot: true };
    const pod = {
      hostNetwork: true,
      hostPID: true,
      volumes: [{ name: 'v' }, { name: 'h', hostPath: { path: '/' } }],
    };
    expect(await check([podWith({ securityContext }, pod)])).toEqual([
      `privileged ${container}.securityContext.privileged`,
      'host-namespaces graph.nodes.n.object.spec.hostNetwork',
      'host-namespaces graph.nodes.n.object.spec.hostPID',
      'host-path graph.nodes.n.object.spec.volumes[1].hostPath',
    ]);
  });

  it('want containers that are not root, by their own word or the pod’s', async () => {
    const warning = [`run-as-non-root ${container}.securityContext.runAsNonRoot`];
    const byPod = { securityContext: { runAsNonRoot: true } };
    expect(await check([podWith({ securityContext: {} })])).toEqual(warning);
    expect(await check([podWith({ securityContext: {} }, byPod)])).toEqual([]);
    expect(await check([podWith({ securityContext: { runAsNonRoot: false } }, byPod)])).toEqual(warning);
  });

  it.each(['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicaSet'])('look into a %s', async (kind) => {
    const spec = { template: { spec: { containers: [{ ...good, image: 'example.net/x' }] } } };
    expect(await check([node(kind, { spec })])).toEqual([
      'image-registry graph.nodes.n.object.spec.template.spec.containers[0].image',
    ]);
  });

  it('look into init containers and the pods of a CronJob', async () => {
    const pod = { containers: [good], initContainers: [{ ...good, image: 'example.net/x' }] };
    const spec = { schedule: '@daily', jobTemplate: { spec: { template: { spec: pod } } } };
    expect(await check([node('CronJob', { spec })])).toEqual([
      'image-registry graph.nodes.n.object.spec.jobTemplate.spec.template.spec.initContainers[0].image',
    ]);
  });

  it('want no secrets in a graph', async () => {
    expect(await check([node('Secret', { stringData: { password: 'x' } })])).toEqual([
      'inline-secret graph.nodes.n.object.stringData',
    ]);
    expect(await check([node('Secret', { type: 'kubernetes.io/service-account-token' })])).toEqual([]);
  });

  it('do not mind kinds that they do not know', async () => {
    expect(await check([node('Widget', { spec: 3 }), node('ConfigMap', { data: { a: 'b' } })])).toEqual([]);
  });

  it('get the kinds that they look at; all, where they do not say which', async () => {
    const rule = 'violations: [for it in nodes {path: it.object.kind, message: "", severity: "Warning"}]\n';
    const nodes = [node('ConfigMap', {}), node('Secret', {}), node('Pod', {})];
    const seeing = (kinds: string): Promise<readonly string[]> =>
      check(nodes, moduleTree([['policy/p.cue', `package policy\nnodes: [...]\n${kinds}${rule}`]]));
    expect(await seeing('')).toEqual(['undefined ConfigMap', 'undefined Secret', 'undefined Pod']);
    expect(await seeing('kinds: ["Pod", "Secret"]\n')).toEqual(['undefined Secret', 'undefined Pod']);
    expect(await seeing('kinds: "Pod"\n')).toHaveLength(3);
  });

  it('say so when they cannot be asked', async () => {
    const [malformed] = await check([
      node('Deployment', { spec: { template: { spec: { containers: 'none' } } } }),
    ]);
    expect(malformed).toContain('default the default policies could not be evaluated');
    const broken = moduleTree([['policy/p.cue', 'package policy\nviolations: [1 & 2]\n']]);
    expect((await check([], broken))[0]).toContain('could not be evaluated');
    const silent = moduleTree([['policy/p.cue', 'package policy\n']]);
    expect((await check([], silent))[0]).toContain('could not be evaluated');
  });
});
