import { describe, expect, it } from 'vitest';
import type { ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { TerminalError, WaitingError } from '../../errors.ts';
import type { GraphSummary } from '../../graph/index.ts';
import {
  type Outcome,
  statusOfOutcome,
  statusOfProblem,
  statusOfRemoval,
  statusOfSuspended,
} from './status.ts';
import { deadlineInMs } from './status-progress.ts';

const NOW = '2026-01-01T00:00:00Z';
const graph: ResourceGraph = {
  apiVersion: 'platform.pequod.io/v1alpha1',
  kind: 'ResourceGraph',
  metadata: { name: 'web', namespace: 'shop', uid: 'g', generation: 3 },
  spec: {
    sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
    metadata: { platformRef: 'inline:', renderHash: 'h', renderedAt: NOW, digest: 'd' },
    nodes: [],
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
  },
};
const ready: GraphSummary = { phase: 'Ready', counts: { Pending: 0, Applied: 0, Ready: 2, Error: 0 } };

function outcome(summary: GraphSummary, more: Partial<Outcome> = {}): Outcome {
  return { summary, nodeStatus: {}, inventory: { graphUID: 'g', items: [] }, pruning: undefined, ...more };
}

/** `Ready=True/Ready`, a condition each, without what is said of health. */
function said(status: ResourceGraphStatus): readonly string[] {
  return (status.conditions ?? [])
    .filter(({ type }) => type !== 'Healthy')
    .map((condition) => `${condition.type}=${condition.status}/${condition.reason}`);
}

describe('the status of a graph', () => {
  it('is Ready, and nothing else, when all nodes are', () => {
    const status = statusOfOutcome(graph, {}, outcome(ready), NOW);
    expect(said(status)).toEqual(['Ready=True/Ready']);
    expect(status).toMatchObject({ phase: 'Ready', observedGeneration: 3, executedHash: 'h' });
    expect(status).not.toHaveProperty('blockedBy');
  });

  it('says what is missing where nothing goes on before it is there', () => {
    const summary: GraphSummary = {
      phase: 'Executing',
      counts: { Pending: 1, Applied: 0, Ready: 1, Error: 0 },
      blockedBy: 'w: Widget shop/w: the API server does not serve it',
      blockedByNodeId: 'w',
    };
    const waits = { phase: 'Pending', attempts: 2 } as const;
    const missing = outcome(summary, { nodeStatus: { w: { ...waits, reason: 'KindNotServed' } } });
    expect(said(statusOfOutcome(graph, {}, missing, NOW))).toEqual([
      'Ready=False/KindNotServed',
      'Reconciling=True/KindNotServed',
    ]);
    const passing = outcome(summary, { nodeStatus: { w: { ...waits, reason: 'TooManyRequests' } } });
    expect(said(statusOfOutcome(graph, {}, passing, NOW))[0]).toBe('Ready=False/Progressing');
  });

  it('says what it waits for while it goes on', () => {
    const summary: GraphSummary = {
      phase: 'Executing',
      counts: { Pending: 1, Applied: 1, Ready: 0, Error: 0 },
      blockedBy: 'app: Deployment shop/web is not available (0/1) since 2026-01-01T00:00:00Z',
      blockedByNodeId: 'app',
    };
    const status = statusOfOutcome(graph, {}, outcome(summary), NOW);
    expect(said(status)).toEqual(['Ready=False/Progressing', 'Reconciling=True/Progressing']);
    expect(status.blockedBy).toContain('Deployment shop/web');
    expect(status.conditions?.[0]?.message).toBe(`0 of 2 nodes are ready; ${status.blockedBy}`);
  });

  it('stalls with the reason of the node that failed, not for what passes by itself', () => {
    const summary: GraphSummary = {
      phase: 'Failed',
      counts: { Pending: 0, Applied: 0, Ready: 1, Error: 1 },
      blockedBy: 'app: ConfigMap shop/app …',
      blockedByNodeId: 'app',
    };
    const failed = (reason: string): ResourceGraphStatus =>
      statusOfOutcome(graph, {}, outcome(summary, { nodeStatus: { app: { phase: 'Error', reason } } }), NOW);
    expect(said(failed('FieldConflict'))).toEqual([
      'Ready=False/FieldConflict',
      'Stalled=True/FieldConflict',
    ]);
    expect(said(failed('ApiServerUnavailable'))).toEqual([
      'Ready=False/ApiServerUnavailable',
      'Reconciling=True/ApiServerUnavailable',
    ]);
  });

  it('is Ready and reconciling while something is on its way out', () => {
    const status = statusOfOutcome(
      graph,
      {},
      outcome(ready, { pruning: { removing: ['ConfigMap shop/old is being deleted'], pruned: undefined } }),
      NOW,
    );
    expect(said(status)).toEqual(['Ready=True/Ready', 'Reconciling=True/Removing']);
    expect(status.blockedBy).toBe('ConfigMap shop/old is being deleted');
  });

  it('says what is left of pruning, and stays Ready; when all is gone it says that too', () => {
    const message = 'ConfigMap shop/old is protected';
    const pruned = { isDone: false, reason: 'Protected', message };
    const held = statusOfOutcome(graph, {}, outcome(ready, { pruning: { removing: [], pruned } }), NOW);
    expect(said(held)).toEqual(['Ready=True/Ready', 'Pruned=False/Protected']);
    expect(held.blockedBy).toBeUndefined();
    const nothing = { removing: [], pruned: undefined };
    const after = statusOfOutcome(graph, held, outcome(ready, { pruning: nothing }), NOW);
    expect(said(after)).toEqual(['Ready=True/Ready', 'Pruned=True/Pruned']);
    const never = statusOfOutcome(graph, {}, outcome(ready, { pruning: nothing }), NOW);
    expect(said(never)).toEqual(['Ready=True/Ready']);
  });

  it('keeps what is known of the nodes when the graph as a whole is refused', () => {
    const before: ResourceGraphStatus = { nodeStatus: { a: { phase: 'Ready' } }, phase: 'Ready' };
    const error = new TerminalError('dependency cycle: a → b → a', {
      code: 'INVALID_GRAPH',
      reason: 'InvalidGraph',
    });
    const status = statusOfProblem(graph, before, error, NOW);
    expect(said(status)).toEqual(['Ready=False/InvalidGraph', 'Stalled=True/InvalidGraph']);
    expect(status).toMatchObject({
      phase: 'Failed',
      nodeStatus: before.nodeStatus,
      blockedBy: error.message,
    });
  });

  it('does not stall while it waits for something outside', () => {
    const error = new WaitingError('service account shop/web does not exist', {
      code: 'SERVICE_ACCOUNT_MISSING',
      reason: 'ServiceAccountMissing',
      afterMs: 1,
    });
    const status = statusOfProblem(graph, {}, error, NOW);
    expect(said(status)).toEqual([
      'Ready=False/ServiceAccountMissing',
      'Reconciling=True/ServiceAccountMissing',
    ]);
    expect(status.phase).toBe('Pending');
  });

  it('fails when it is not Ready in time, counted from the change of its nodes, until it is Ready', () => {
    const waiting: GraphSummary = {
      phase: 'Executing',
      counts: { Pending: 0, Applied: 1, Ready: 1, Error: 0 },
      blockedBy: 'app: Deployment shop/web is not available (0/1)',
      blockedByNodeId: 'app',
    };
    const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
    const msAt = (minute: number): number => Date.parse(at(minute));
    const first = statusOfOutcome(graph, {}, outcome(waiting), NOW);
    expect(first.execution).toEqual({ renderHash: 'h', startedAt: NOW });
    expect(deadlineInMs(graph, first, msAt(4))).toBe(6 * 60_000);
    const late = statusOfOutcome(graph, first, outcome(waiting), at(10));
    expect(said(late)).toEqual([
      'Ready=False/ProgressDeadlineExceeded',
      'Stalled=True/ProgressDeadlineExceeded',
    ]);
    expect(late).toMatchObject({
      phase: 'Failed',
      conditions: [{ message: expect.stringContaining('within 10m: 1 of 2') }, {}, {}],
    });
    expect(deadlineInMs(graph, late, msAt(10))).toBeUndefined();
    const resumed = statusOfOutcome(graph, statusOfSuspended(graph, late, at(20)), outcome(waiting), at(30));
    expect(said(resumed), 'time in which it was suspended does not count').toContain(
      'Ready=False/Progressing',
    );
    const good = statusOfOutcome(graph, late, outcome(ready), at(11));
    expect(said(good)).toEqual(['Ready=True/Ready']);
    expect(good).not.toHaveProperty('execution');
    const degraded = statusOfOutcome(graph, good, outcome(waiting), at(50));
    expect(said(degraded), 'later it is a matter of health').toContain('Ready=False/Progressing');
    const { spec } = graph;
    const changed = { ...graph, spec: { ...spec, metadata: { ...spec.metadata, renderHash: 'h2' } } };
    const anew = statusOfOutcome(changed, degraded, outcome(waiting), at(51));
    expect(anew.execution).toEqual({ renderHash: 'h2', startedAt: at(51) });
  });

  it('also counts the time in which the graph as a whole can not be executed', () => {
    const error = new WaitingError('service account shop/web does not exist', {
      code: 'SERVICE_ACCOUNT_MISSING',
      reason: 'ServiceAccountMissing',
      afterMs: 1,
    });
    const short = { ...graph, spec: { ...graph.spec, progressDeadline: '30s' } };
    const first = statusOfProblem(short, {}, error, NOW);
    const late = statusOfProblem(short, first, error, '2026-01-01T00:00:30Z');
    expect(said(late)).toContain('Stalled=True/ProgressDeadlineExceeded');
    expect(late.phase).toBe('Failed');
  });

  it('names what a deletion waits for', () => {
    const lines = ['Deployment shop/web is being deleted'];
    const status = statusOfRemoval(graph, {}, { graphUID: 'g', items: [] }, lines, NOW);
    expect(said(status)).toEqual(['Ready=False/Deleting', 'Reconciling=True/Deleting']);
    expect(status.blockedBy).toBe(lines[0]);
  });

  it('flips Healthy when what was ready degrades, counts it, and tells the story', () => {
    const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
    const good = { db: { phase: 'Ready', readyAt: NOW } } as const;
    const bad = {
      db: { phase: 'Applied', readyAt: NOW, message: 'is not ready (0/1)', reason: 'LessReady' },
    } as const;
    const waiting: GraphSummary = {
      phase: 'Executing',
      counts: { Pending: 0, Applied: 1, Ready: 0, Error: 0 },
      blockedBy: 'db: StatefulSet shop/db is not ready (0/1)',
      blockedByNodeId: 'db',
    };
    const healthy = (status: ResourceGraphStatus) =>
      status.conditions?.find(({ type }) => type === 'Healthy');
    const new0 = { db: { phase: 'Applied', appliedAt: NOW } } as const;
    let status = statusOfOutcome(graph, {}, outcome(waiting, { nodeStatus: new0 }), at(0));
    expect(healthy(status)).toMatchObject({ status: 'Unknown', reason: 'NotYetReady' });
    expect(status.executedAt).toBe(at(0));
    status = statusOfOutcome(graph, status, outcome(ready, { nodeStatus: good }), at(1));
    expect(healthy(status)).toMatchObject({ status: 'True' });
    for (let times = 1; times <= 3; times += 1) {
      const before = status.nodeStatus?.['db'] ?? {};
      const degraded = { db: { ...before, ...bad.db } };
      status = statusOfOutcome(graph, status, outcome(waiting, { nodeStatus: degraded }), at(2 * times));
      expect(healthy(status)).toMatchObject({
        status: 'False',
        reason: 'Degraded',
        message: '1 of 1 nodes were ready and are not; db: StatefulSet shop/db is not ready (0/1)',
      });
      expect(status.nodeStatus?.['db']).toMatchObject({ setbacks: times });
      const same = statusOfOutcome(
        graph,
        status,
        outcome(waiting, { nodeStatus: status.nodeStatus ?? {} }),
        at(50),
      );
      expect(same, 'the same again is no news').toEqual(status);
      if (times === 3) break;
      const readyAt = at(2 * times + 1);
      const { setbacks = 0 } = status.nodeStatus?.['db'] ?? {};
      const again = { db: { phase: 'Ready', readyAt, setbacks } } as const;
      status = statusOfOutcome(graph, status, outcome(ready, { nodeStatus: again }), readyAt);
    }
    expect(status.nodeStatus?.['db']?.quarantinedUntil).toBe('2026-01-01T00:06:30Z');
    expect(status.history?.map(({ reason }) => reason)).toEqual([
      'FirstReady',
      'Degraded',
      'Recovered',
      'Degraded',
      'Recovered',
      'Degraded',
      'Quarantined',
    ]);
  });

  it('forgets setbacks of a node that stayed ready for ten minutes, and keeps no more than ten transitions', () => {
    const stable = { db: { phase: 'Ready', readyAt: NOW, setbacks: 5 } } as const;
    const waiting: GraphSummary = {
      phase: 'Executing',
      counts: { Pending: 0, Applied: 1, Ready: 0, Error: 0 },
    };
    const long = Array.from({ length: 10 }, () => ({ time: NOW, reason: 'Recovered', message: '' }));
    const healthy = {
      type: 'Healthy',
      status: 'True',
      reason: 'Healthy',
      message: '',
      lastTransitionTime: NOW,
    } as const;
    const before: ResourceGraphStatus = {
      phase: 'Ready',
      executedHash: 'h',
      nodeStatus: stable,
      conditions: [healthy],
      history: long,
    };
    const nodeStatus = { db: { phase: 'Applied', readyAt: NOW, setbacks: 5 } } as const;
    const after = statusOfOutcome(graph, before, outcome(waiting, { nodeStatus }), '2026-01-01T00:10:00Z');
    expect(after.nodeStatus?.['db']).toMatchObject({ setbacks: 1 });
    expect(after.history).toHaveLength(10);
    expect(after.history?.at(-1)?.reason).toBe('Degraded');
  });
});
