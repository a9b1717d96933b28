import { describe, expect, test } from 'vitest';
import type { Condition, ResourceGraphStatus } from '../../api/index.ts';
import { hasFailed } from './failed-graph.ts';
import { viewGraph } from './graph-view.ts';
import { wantedRevision } from './pins.ts';
import { sampleCondition, sampleGraph, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const metadata = { ...sampleGraphSpec().metadata, revision: 4 };

function failsWith(conditions: readonly Condition[], status: Partial<ResourceGraphStatus> = {}): boolean {
  const whole = { observedGeneration: 3, phase: 'Failed', conditions, ...status } as const;
  return hasFailed(viewGraph(sampleGraph({ spec: { metadata }, status: whole })));
}

function notReady(reason: string, isStalled: boolean = true): readonly Condition[] {
  const ready = sampleCondition('Ready', 'False', { reason });
  return isStalled ? [ready, sampleCondition('Stalled', 'True', { reason })] : [ready];
}

describe('a graph has failed', () => {
  test('when it is late, or can not become ready without a change', () => {
    expect(failsWith(notReady('ProgressDeadlineExceeded', false))).toBe(true);
    expect(failsWith(notReady('InvalidObject'))).toBe(true);
  });

  test('not while it may come right by itself', () => {
    expect(failsWith(notReady('Progressing', false))).toBe(false);
    expect(failsWith(notReady('ApiServerUnavailable', false))).toBe(false);
    expect(failsWith(notReady('ObjectTerminating'))).toBe(false);
    expect(failsWith(notReady('InvalidObject'), { phase: 'Executing' })).toBe(false);
  });

  test('not before its own status is there', () => {
    expect(failsWith(notReady('InvalidObject'), { observedGeneration: 2 })).toBe(false);
  });

  test('not where its revision was ready before', () => {
    expect(failsWith(notReady('ProgressDeadlineExceeded'), { readyRevision: 4 })).toBe(false);
    expect(failsWith(notReady('ProgressDeadlineExceeded'), { readyRevision: 3 })).toBe(true);
  });
});

describe('what has to run in place of a render', () => {
  const pin = { revision: 3, generation: 2, digest: 'sha256:a', reason: 'RollbackOnFailure' } as const;
  const status = { pin };
  const spec = { rollbackOnFailure: true };

  test('is what rollbackTo says, first of all', () => {
    const transform = sampleTransform({ spec: { ...spec, rollbackTo: 1 }, status });
    expect(wantedRevision(transform, undefined)).toEqual({ reason: 'RollbackTo', revision: 1 });
  });

  test('is what was pinned after a failure of this very spec and module', () => {
    const transform = sampleTransform({ spec, status });
    expect(wantedRevision(transform, { digest: 'sha256:a' })).toMatchObject({ revision: 3 });
    expect(wantedRevision(transform, undefined)).toMatchObject({ revision: 3 });
    expect(wantedRevision(transform, { digest: 'sha256:b' })).toBeUndefined();
    expect(wantedRevision(sampleTransform({ status }), undefined)).toBeUndefined();
    const changed = sampleTransform({ spec, status, metadata: { generation: 3 } });
    expect(wantedRevision(changed, { digest: 'sha256:a' })).toBeUndefined();
  });

  test('is nothing once rollbackTo is gone', () => {
    const left = { pin: { ...pin, reason: 'RollbackTo' } } as const;
    expect(wantedRevision(sampleTransform({ spec, status: left }), undefined)).toBeUndefined();
  });
});
