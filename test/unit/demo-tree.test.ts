import { expect, test } from 'vitest';
import { flatLines, readViews, treeLines } from '../../demo/tree.ts';

const transform = {
  kind: 'Transform',
  metadata: { name: 'web', generation: 2 },
  status: {
    observedGeneration: 2,
    blockedBy: 'app: Deployment shop/web: 1 of 2, since 10:00',
    conditions: [{ type: 'Ready', status: 'False', message: 'progressing' }],
  },
};
const graph = {
  kind: 'ResourceGraph',
  metadata: { name: 'web' },
  spec: {
    nodes: [
      { id: 'service', object: { kind: 'Service', metadata: { name: 'web' } } },
      { id: 'app', object: { kind: 'Deployment', metadata: { name: 'web' } } },
    ],
  },
  status: {
    nodeStatus: { service: { phase: 'Ready' }, app: { phase: 'Applied', readyDetails: '1 of 2' } },
    inventory: { items: [{ nodeId: 'service' }] },
  },
};
const list = (...items: readonly unknown[]): string => JSON.stringify({ items });

test('a Transform is shown with its nodes, in a tree or line by line', () => {
  const views = readViews(list(graph, transform));
  expect(treeLines(views)).toEqual([
    'Transform web  Pending  app: Deployment shop/web: 1 of 2, since 10:00',
    '  ├─ Ready    service  Service/web',
    '  └─ Applied  app      Deployment/web  1 of 2',
  ]);
  expect(flatLines(views)[2]).toBe('  web: Applied  app (Deployment/web)  1 of 2');
});

test('it is Ready only for the generation that was asked for', () => {
  const ready = { ...transform.status, conditions: [{ type: 'Ready', status: 'True', message: 'fine' }] };
  const [now] = readViews(list({ ...transform, status: ready }));
  expect(now?.isReady).toBe(true);
  const [before] = readViews(list({ ...transform, status: { ...ready, observedGeneration: 1 } }));
  expect(before?.isReady).toBe(false);
});

test('while a graph goes, its inventory says what is still there', () => {
  const going = { ...graph, metadata: { name: 'web', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const [view] = readViews(list(transform, going));
  expect(view?.nodes.map(({ phase }) => phase)).toEqual(['Deleting', 'Gone']);
});

test('a Transform that nobody has looked at yet has no nodes', () => {
  const views = readViews(list({ kind: 'Transform', metadata: { name: 'new', generation: 1 } }));
  expect(treeLines(views)).toEqual(['Transform new  Pending']);
});
