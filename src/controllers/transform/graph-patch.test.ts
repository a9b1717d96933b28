import { describe, expect, test } from 'vitest';
import { guarded, keepParent, replaceSpec, setPolicies, takeOver } from './graph-patch.ts';
import { viewGraph } from './graph-view.ts';
import { sampleGraph, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const graph = viewGraph(sampleGraph());

describe('setPolicies', () => {
  test('changes only what differs', () => {
    expect(setPolicies(graph, { serviceAccountName: 'default', deletionPolicy: 'Delete' })).toEqual([]);
    expect(setPolicies(graph, { serviceAccountName: 'default', deletionPolicy: 'Orphan' })).toEqual([
      { op: 'add', path: '/spec/deletionPolicy', value: 'Orphan' },
    ]);
  });

  test('reads the policies also of a graph that can not be read as a whole', () => {
    const broken = viewGraph({ ...sampleGraph(), spec: { ...sampleGraphSpec(), nodes: 'none' } });
    expect(setPolicies(broken, { deletionPolicy: 'Delete' })).toEqual([]);
  });
});

describe('keepParent', () => {
  test('puts back the label of the set where somebody took it away, and is silent otherwise', () => {
    const [patch, ...rest] = keepParent(viewGraph(sampleGraph({ metadata: { labels: { team: 'a' } } })));
    expect(rest).toEqual([]);
    expect(patch).toMatchObject({ op: 'add', path: '/metadata/labels/applyset.kubernetes.io~1id' });
    const labels = { 'applyset.kubernetes.io/id': String(patch?.op === 'add' ? patch.value : '') };
    expect(keepParent(viewGraph(sampleGraph({ metadata: { labels } })))).toEqual([]);
  });
});

describe('replaceSpec', () => {
  test('adds labels and annotations without taking any away', () => {
    const labelled = viewGraph(sampleGraph({ metadata: { labels: { team: 'a' } } }));
    const paths = replaceSpec(labelled, sampleGraphSpec()).map(({ path }) => path);
    expect(paths).toEqual(['/spec', '/metadata/labels/applyset.kubernetes.io~1id', '/metadata/annotations']);
  });
});

describe('takeOver', () => {
  test('puts the Transform in the place of the earlier controller and keeps other owners', () => {
    const [earlier] = sampleGraph().metadata.ownerReferences ?? [];
    const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' };
    const owners = [other, { ...earlier, uid: 'earlier' }];
    const [patch] = takeOver(
      viewGraph(sampleGraph({ metadata: { ownerReferences: owners } })),
      sampleTransform(),
    );
    expect(patch).toMatchObject({
      path: '/metadata/ownerReferences',
      value: [other, { kind: 'Transform', uid: 'transform-uid', controller: true }],
    });
  });
});

describe('guarded', () => {
  test('binds the patch to the version that was judged', () => {
    expect(guarded(sampleGraph(), [{ op: 'remove', path: '/x' }])).toEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '20' },
      { op: 'remove', path: '/x' },
    ]);
  });
});
