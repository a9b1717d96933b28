import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/index.ts';
import type { JsonObject } from '../../json/index.ts';
import { podSelectorOf, podTroubleOf } from './pod-trouble.ts';

const web = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };

function pod(
  status: JsonObject,
  owner: { kind: string; name: string; uid?: string } = { kind: 'ReplicaSet', name: 'web-5d' },
): KubeObject {
  const ownerReferences = [{ apiVersion: 'apps/v1', uid: 'rs', controller: true, ...owner }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-5d-x', ownerReferences }, status };
}

function container(more: JsonObject): JsonObject {
  return { containerStatuses: [{ name: 'main', image: 'main:1', ready: false, restartCount: 0, ...more }] };
}

const terminated = { terminated: { exitCode: 1, reason: 'Error' } };
const crashing = container({
  restartCount: 5,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: terminated,
});
const said = (...pods: readonly KubeObject[]): string | undefined =>
  podTroubleOf(web, undefined, pods)?.message;

describe('what is wrong with Pods', () => {
  it('is a crash loop, said the same while the container waits, runs and ends', () => {
    const line = 'container main is in CrashLoopBackOff (exit code 1), 5 restarts';
    expect(said(pod(crashing))).toBe(line);
    expect(said(pod(container({ restartCount: 5, state: { running: {} }, lastState: terminated })))).toBe(
      line,
    );
    expect(said(pod(container({ restartCount: 5, state: terminated, lastState: terminated })))).toBe(line);
  });

  it.each([
    [
      { waiting: { reason: 'ErrImagePull', message: 'x' } },
      'container main is in ImagePullBackOff (image main:1)',
    ],
    [
      { waiting: { reason: 'ImagePullBackOff', message: 'y' } },
      'container main is in ImagePullBackOff (image main:1)',
    ],
    [
      { waiting: { reason: 'CreateContainerConfigError', message: 'secret "db" not found' } },
      'container main is in CreateContainerConfigError: secret "db" not found',
    ],
    [{ waiting: { reason: 'ContainerCreating' } }, undefined],
    [{ running: {} }, undefined],
  ])('%j', (state, expected) => {
    expect(said(pod(container({ state })))).toBe(expected);
  });

  it('is a Pod that finds no node, an init container, a container out of memory', () => {
    const conditions = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' },
    ];
    expect(said(pod({ conditions }))).toBe("its Pods can't be scheduled: 0/1 nodes are available");
    const init = {
      name: 'setup',
      ready: false,
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: terminated,
    };
    expect(said(pod({ initContainerStatuses: [init] }))).toBe(
      'init container setup is in CrashLoopBackOff (exit code 1), 1 restart',
    );
    const killed = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    expect(said(pod(container({ restartCount: 3, state: { running: {} }, lastState: killed })))).toBe(
      'container main is in CrashLoopBackOff (out of memory), 3 restarts',
    );
  });

  it('is looked for in Pods of the workload alone', () => {
    expect(said(pod(crashing, { kind: 'ReplicaSet', name: 'other-5d' }))).toBeUndefined();
    expect(said({ ...pod(crashing), metadata: { name: 'bare' } })).toBeUndefined();
    const set = { group: 'apps', kind: 'StatefulSet', namespace: 'shop', name: 'db' };
    const own = pod(crashing, { kind: 'StatefulSet', name: 'db', uid: 'new' });
    expect(podTroubleOf(set, 'new', [own])?.reason).toBe('CrashLoopBackOff');
    expect(podTroubleOf(set, 'another', [own])).toBeUndefined();
  });

  it('names the worst of several, whatever their order', () => {
    const image = pod(container({ state: { waiting: { reason: 'ImagePullBackOff' } } }));
    expect(said(pod(crashing), image)).toBe(said(image, pod(crashing)));
    expect(said(pod(crashing), image)).toContain('ImagePullBackOff');
  });
});

describe('the selector of Pods', () => {
  it('is what the workload selects', () => {
    const of = (kind: string, selector?: JsonObject): string | undefined =>
      podSelectorOf({
        apiVersion: 'apps/v1',
        kind,
        metadata: { name: 'web' },
        spec: selector === undefined ? {} : { selector },
      });
    const matchExpressions = [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'x', operator: 'Exists' },
    ];
    expect(of('Deployment', { matchLabels: { app: 'web' }, matchExpressions })).toBe(
      'app=web,tier in (a,b),!old,x',
    );
    expect(of('Job')).toBe('batch.kubernetes.io/job-name=web');
    expect(of('Deployment')).toBeUndefined();
  });
});
