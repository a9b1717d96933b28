import { describe, expect, it } from 'vitest';
import type { NodePhase, NodeStatus } from '../api/index.ts';
import { ApplyConflictError, TerminalError, WaitingError } from '../errors.ts';
import { failureOf, isLegalMove, moveNode, readinessStartMs, retryAt, sinceOf } from './index.ts';

const T1 = '2026-03-01T10:00:00Z';
const T2 = '2026-03-01T10:00:05Z';
const T3 = '2026-03-01T10:00:09Z';

describe('moves of a node', () => {
  it.each<[NodePhase, readonly NodePhase[]]>([
    ['Pending', ['Pending', 'Applied', 'Error']],
    ['Applied', ['Applied', 'Ready', 'Error', 'Pending']],
    ['Ready', ['Ready', 'Applied', 'Error', 'Pending']],
    ['Error', ['Error', 'Applied', 'Pending']],
  ])('from %s are those of the table', (from, legal) => {
    const phases: readonly NodePhase[] = ['Pending', 'Applied', 'Ready', 'Error'];
    for (const to of phases) expect(isLegalMove(from, to)).toBe(legal.includes(to));
  });

  it('throws for a move that is not in the table', () => {
    expect(() => moveNode({ phase: 'Pending' }, { phase: 'Ready' }, T1)).toThrow(
      'illegal move of a node from Pending to Ready',
    );
    expect(() => moveNode({ phase: 'Error' }, { phase: 'Ready' }, T1)).toThrow('from Error to Ready');
  });

  it('leaves a settled node with its phase and the time it became ready', () => {
    const applied = moveNode({ phase: 'Pending', attempts: 3 }, { phase: 'Applied', isApply: true }, T1);
    expect(applied).toEqual({ phase: 'Applied', appliedAt: T1, lastTransitionTime: T1 });
    expect(moveNode(applied, { phase: 'Ready' }, T2)).toEqual({ phase: 'Ready', readyAt: T2 });
  });

  it('keeps the times of a node that stays what it is, and the very object where nothing changes', () => {
    const ready: NodeStatus = { phase: 'Ready', readyAt: T1 };
    expect(moveNode(ready, { phase: 'Ready' }, T3)).toBe(ready);
    const waiting = moveNode(
      ready,
      { phase: 'Applied', reason: 'LessReady', message: 'is not ready (1/3)' },
      T2,
    );
    const later = moveNode(
      waiting,
      { phase: 'Applied', reason: 'LessReady', message: 'is not ready (2/3)' },
      T3,
    );
    expect(later).toEqual({
      phase: 'Applied',
      reason: 'LessReady',
      message: 'is not ready (2/3)',
      readyDetails: 'is not ready (2/3)',
      readyAt: T1,
      lastTransitionTime: T2,
    });
    expect(
      moveNode(later, { phase: 'Applied', reason: 'LessReady', message: 'is not ready (2/3)' }, T3),
    ).toBe(later);
  });

  it('remembers through an update that the node once was ready', () => {
    const outdated = moveNode({ phase: 'Ready', readyAt: T1 }, { phase: 'Pending' }, T2);
    const applied = moveNode(outdated, { phase: 'Applied', isApply: true }, T3);
    expect(applied).toEqual({ phase: 'Applied', appliedAt: T3, readyAt: T1, lastTransitionTime: T3 });
  });

  it('carries attempts, last error and last apply through failures, and forgets failures after an apply', () => {
    const before: NodeStatus = { phase: 'Applied', appliedAt: T1, lastTransitionTime: T1 };
    const failed = moveNode(
      before,
      { phase: 'Error', reason: 'Forbidden', message: 'no rights', attempts: 1, nextAttemptAt: T3 },
      T2,
    );
    expect(failed).toEqual({
      phase: 'Error',
      reason: 'Forbidden',
      message: 'no rights',
      lastError: 'no rights',
      attempts: 1,
      nextAttemptAt: T3,
      appliedAt: T1,
      lastTransitionTime: T2,
    });
    const pending = moveNode(failed, { phase: 'Pending' }, T3);
    expect(pending).toMatchObject({ attempts: 1, lastError: 'no rights', appliedAt: T1 });
    expect(moveNode(failed, { phase: 'Applied', isApply: true }, T3)).toEqual({
      phase: 'Applied',
      appliedAt: T3,
      lastTransitionTime: T3,
    });
  });

  it('keeps what others put into the status', () => {
    const status: NodeStatus = { phase: 'Pending', adopted: true, previousManagers: ['helm'] };
    const ready = moveNode(moveNode(status, { phase: 'Applied', isApply: true }, T1), { phase: 'Ready' }, T2);
    expect(ready).toEqual({ phase: 'Ready', readyAt: T2, adopted: true, previousManagers: ['helm'] });
  });

  it('counts a readiness timeout from the last apply, or from when a settled node degraded', () => {
    expect(readinessStartMs({ phase: 'Applied', appliedAt: T1, lastTransitionTime: T2 })).toBe(
      Date.parse(T1),
    );
    expect(readinessStartMs({ phase: 'Applied', lastTransitionTime: T2, readyAt: T1 })).toBe(Date.parse(T2));
    expect(readinessStartMs({ phase: 'Ready', readyAt: T1 })).toBeUndefined();
    expect(sinceOf({ phase: 'Ready', readyAt: T1 })).toBe(T1);
  });

  it('does not begin a timeout anew when it is over', () => {
    const degraded = moveNode({ phase: 'Ready', readyAt: T1 }, { phase: 'Applied' }, T2);
    expect(readinessStartMs(degraded)).toBe(Date.parse(T2));
    const late = moveNode(degraded, { phase: 'Error', reason: 'ReadinessTimeout', message: 'is late' }, T3);
    expect(readinessStartMs(late)).toBeLessThanOrEqual(Date.parse(T2));
    const again = moveNode(late, { phase: 'Applied', isApply: true }, T3);
    expect(readinessStartMs(again)).toBe(Date.parse(T3));
  });
});

describe('retryAt', () => {
  it('doubles from one second to five minutes', () => {
    const delays = [1, 2, 3, 9, 10, 40].map((attempts) => retryAt('backoff', attempts, 0, () => 0));
    expect(delays).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  });

  it('spreads a backoff downwards and never cuts a delay that the error asks for', () => {
    expect(retryAt('backoff', 1, 0, () => 0.999)).toBeGreaterThanOrEqual(750);
    expect(retryAt({ afterMs: 10_000 }, 1, 0, () => 0)).toBe(10_000);
    expect(retryAt({ afterMs: 10_000 }, 1, 0, () => 0.5)).toBe(10_500);
  });

  it('tries slowly again what only a change should mend', () => {
    expect(retryAt('never', 1, 0, () => 0)).toBe(300_000);
  });
});

describe('failureOf', () => {
  it('takes reason and handling from the error', () => {
    const conflict = new ApplyConflictError('helm holds .spec.replicas', []);
    expect(failureOf(conflict)).toEqual({
      message: 'helm holds .spec.replicas',
      reason: 'FieldConflict',
      retry: { afterMs: 300_000 },
      isWaiting: false,
    });
    expect(failureOf(new WaitingError('not served', { afterMs: 50 }))).toMatchObject({ isWaiting: true });
    expect(failureOf(new TerminalError('wrong', { code: 'X', reason: 'Y' }))).toMatchObject({
      retry: 'never',
    });
  });

  it('counts anything else as a fault that may pass', () => {
    expect(failureOf(new Error('oops'))).toEqual({
      message: 'oops',
      reason: 'InternalError',
      retry: 'backoff',
    });
  });
});
