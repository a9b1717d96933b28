import { expect, it } from 'vitest';
import type { ResourceGraph } from '../../api/index.ts';
import { observe } from '../../apply/index.ts';
import { InvalidObjectError } from '../../errors.ts';
import { GraphSession, GraphSessions } from './session.ts';

function graph(uid: string): ResourceGraph {
  return {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'ResourceGraph',
    metadata: { name: 'web', namespace: 'shop', uid },
    spec: {
      sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
      metadata: { platformRef: 'inline', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' },
      nodes: [],
      serviceAccountName: 'default',
      deletionPolicy: 'Delete',
    },
  };
}

const config = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'config' };
const entry = {
  ...config,
  version: 'v1',
  nodeId: 'n',
  origin: 'Created',
  deletion: 'Delete',
  wave: 0,
} as const;

it('says once that an object which was on its way out has left', () => {
  const session = new GraphSession(graph('g'), () => 0);
  expect(session.hasLeft(config, false)).toBe(false);
  expect(session.hasLeft(config, true)).toBe(false);
  expect(session.hasLeft({ ...config, name: 'other' }, false)).toBe(false);
  expect(session.hasLeft(config, true)).toBe(false);
  expect(session.hasLeft(config, false)).toBe(true);
  expect(session.hasLeft(config, false)).toBe(false);
});

it('knows that an object which can not be changed was in the way, though it goes before anybody looks again', () => {
  const session = new GraphSession(graph('g'), () => 0);
  const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config', namespace: 'shop' } };
  const seen = observe(live);
  session.failed(entry, new InvalidObjectError('no', { field: 'data' }), seen);
  expect(session.hasLeft(config, false)).toBe(false);
  const error = new InvalidObjectError('no', {
    code: 'IMMUTABLE_FIELD',
    reason: 'ImmutableField',
    field: 'data',
  });
  // No watch shows what lost our label: it would be tried over and over.
  session.failed(entry, error, undefined);
  expect(session.hasLeft(config, false)).toBe(false);
  session.failed(entry, error, seen);
  expect(session.hasLeft(config, false)).toBe(true);
});

it.each(['ImmutableField', 'ObjectTerminating', 'Recreating'])(
  'tries an object once more that was in the way of its node (%s) in the process before, and left meanwhile',
  (reason) => {
    const nodeStatus = { n: { phase: 'Error', reason } } as const;
    const status = { nodeStatus, inventory: { graphUID: 'g', items: [entry] } };
    const session = new GraphSession({ ...graph('g'), status }, () => 0);
    expect(session.hasLeft(config, false)).toBe(true);
    expect(session.hasLeft(config, false)).toBe(false);
  },
);

it('keeps nothing of an object that is none of the graph’s any more', () => {
  const session = new GraphSession(graph('g'), () => 0);
  session.suspect(entry);
  session.hasLeft(config, true);
  for (let repair = 0; repair < 9; repair += 1) session.repairPace.repaired(config, 0);
  session.rivals.failed(config, 'a', 0);
  expect(session.repairPace.nextAtMs(config, 0)).toBeGreaterThan(0);
  session.forget(entry);
  expect(session.isSuspect(entry)).toBe(false);
  expect(session.hasLeft(config, false)).toBe(false);
  expect(session.repairPace.nextAtMs(config, 0)).toBeUndefined();
  expect(session.rivals.retryAtMs(config, 'b')).toBeUndefined();
});

it('belongs to one graph: another of that name starts afresh', () => {
  const sessions = new GraphSessions(() => 0);
  const first = sessions.of(graph('one'));
  expect(sessions.of(graph('one'))).toBe(first);
  expect(sessions.of(graph('two'))).not.toBe(first);
});

it('takes the status of somebody who was faster for newer, until it has written one itself', () => {
  const theirs = { ...graph('g'), status: { phase: 'Ready' } } as const;
  const session = new GraphSession(graph('g'), () => 0);
  session.pendingStatus = { phase: 'Executing' };
  session.outrun();
  expect(session.statusOf(theirs)).toEqual({ phase: 'Ready' });
  session.lastStatusWriteMs = 1;
  session.pendingStatus = { phase: 'Executing' };
  session.outrun();
  expect(session.statusOf(theirs)).toEqual({ phase: 'Executing' });
});
