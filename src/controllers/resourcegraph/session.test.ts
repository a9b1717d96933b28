import { expect, it } from 'vitest';
import type { ResourceGraph } from '../../api/index.ts';
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

it('says once that an object which was on its way out has left', () => {
  const session = new GraphSession(graph('g'), () => 0);
  expect(session.hasLeft(config, false)).toBe(false);
  expect(session.hasLeft(config, true)).toBe(false);
  expect(session.hasLeft({ ...config, name: 'other' }, false)).toBe(false);
  expect(session.hasLeft(config, true)).toBe(false);
  expect(session.hasLeft(config, false)).toBe(true);
  expect(session.hasLeft(config, false)).toBe(false);
});

it('keeps nothing of an object that is none of the graph’s any more', () => {
  const session = new GraphSession(graph('g'), () => 0);
  const entry = {
    ...config,
    version: 'v1',
    nodeId: 'n',
    origin: 'Created',
    deletion: 'Delete',
    wave: 0,
  } as const;
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
