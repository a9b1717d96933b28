import { describe, expect, test } from 'vitest';
import type { TransformStatus } from '../../api/index.ts';
import { TerminalError, WaitingError } from '../../errors.ts';
import { findCondition } from '../../runtime/index.ts';
import type { Failure } from './failure.ts';
import type { Findings } from './findings.ts';
import { viewGraph } from './graph-view.ts';
import {
  EARLIER_ISO,
  NOW_ISO,
  RENDER_HASH,
  sampleCondition,
  sampleGraph,
  sampleGraphSpec,
  sampleTransform,
} from './sample-objects.ts';
import { invalidStatus, nextStatus } from './status.ts';

const resolution = { digest: 'sha256:module', revision: 'uid/7' };
const summary = { key: 'key', reads: ['context.name'], renderHash: RENDER_HASH, violations: [] };
const readyStatus = {
  observedGeneration: 3,
  conditions: [sampleCondition('Ready', 'True', { reason: 'Ready', message: 'all nodes are ready' })],
  nodeStatus: { config: { phase: 'Ready', readyAt: EARLIER_ISO, attempts: 0 } },
} as const;
const readyGraph = viewGraph(sampleGraph({ status: readyStatus }));
const settled: Findings = { resolution, summary, graph: readyGraph };

function conditions(status: TransformStatus): Record<string, string> {
  return Object.fromEntries((status.conditions ?? []).map(({ type, status: value }) => [type, value]));
}

function failure(step: Failure['step'], isFinal: boolean): Failure {
  const details = { code: 'TEST', reason: 'TestFailure' };
  const error = isFinal
    ? new TerminalError('it is wrong', details)
    : new WaitingError('it is not there', { ...details, afterMs: 1000 });
  return { step, error, violations: [{ path: 'input.size', message: 'too large', severity: 'Error' }] };
}

describe('nextStatus of a pinned Transform', () => {
  const metadata = { ...sampleGraphSpec().metadata, revision: 3 };
  const graph = viewGraph(sampleGraph({ spec: { metadata }, status: readyStatus }));
  const pin = { revision: 3, generation: 2, digest: 'sha256:module' };
  const before = { renderKey: 'key', renderReads: ['context.name'], currentRevision: 4 };

  test('is Ready with rollbackTo, names the revision, and keeps no render to go on from', () => {
    const pinning = { pin: { ...pin, reason: 'RollbackTo' } } as const;
    const status = nextStatus(sampleTransform({ status: before }), { graph, pinning }, NOW_ISO);
    expect(findCondition(status.conditions, 'Ready')).toMatchObject({
      status: 'True',
      message: 'all nodes are ready; runs revision 3 (rollbackTo)',
    });
    expect(status).toMatchObject({
      currentRevision: 3,
      pin: pinning.pin,
      applied: { digest: 'sha256:module', renderHash: RENDER_HASH },
    });
    expect(status.renderKey).toBeUndefined();
    expect(status.renderReads).toBeUndefined();
  });

  test('is not Ready after a failure, though what runs is', () => {
    const pinning = { pin: { ...pin, reason: 'RollbackOnFailure', message: 'revision 4 failed' } } as const;
    const status = nextStatus(sampleTransform(), { graph, pinning, resolution }, NOW_ISO);
    expect(conditions(status)).toMatchObject({ Ready: 'False', Stalled: 'True' });
    expect(findCondition(status.conditions, 'Ready')).toMatchObject({
      reason: 'RolledBack',
      message: 'revision 4 failed; revision 3 runs until spec or module change (rollbackOnFailure)',
    });
  });

  test('keeps the pin where a pass did not look at it, and drops it where nothing is pinned', () => {
    const kept = { pin: { ...pin, reason: 'RollbackTo' } } as const;
    const transform = sampleTransform({ status: { ...before, ...kept } });
    expect(nextStatus(transform, { graph, isSuspended: true }, NOW_ISO).pin).toEqual(kept.pin);
    const settledAgain = { ...settled, pinning: { pin: undefined } };
    expect(nextStatus(transform, settledAgain, NOW_ISO).pin).toBeUndefined();
  });
});

describe('nextStatus', () => {
  test('says Ready once the graph has executed what was rendered', () => {
    const status = nextStatus(sampleTransform(), settled, NOW_ISO);
    expect(conditions(status)).toEqual({
      Fetched: 'True',
      Validated: 'True',
      Rendered: 'True',
      Ready: 'True',
    });
    expect(status).toMatchObject({
      observedGeneration: 2,
      renderKey: 'key',
      renderReads: ['context.name'],
      resourceGraphRef: { name: 'web', uid: 'graph-uid' },
      resolvedCueRef: { digest: 'sha256:module', revision: 'uid/7', fetchedAt: NOW_ISO },
      applied: { digest: 'sha256:module', revision: 'uid/7', renderHash: RENDER_HASH },
      nodes: { config: { phase: 'Ready' } },
    });
    expect(status.nodes?.['config']).toEqual({ phase: 'Ready' });
  });

  test('shows what a node waits for, also before it is applied', () => {
    const waiting = {
      phase: 'Pending',
      reason: 'KindNotServed',
      message: 'the API server does not serve x',
    } as const;
    const graph = sampleGraph({ status: { ...readyStatus, nodeStatus: { config: waiting } } });
    expect(nextStatus(sampleTransform(), { ...settled, graph: viewGraph(graph) }, NOW_ISO).nodes).toEqual({
      config: { phase: 'Pending', readyDetails: waiting.message },
    });
  });

  test('is the same when nothing has changed', () => {
    const status = nextStatus(sampleTransform(), settled, EARLIER_ISO);
    expect(nextStatus(sampleTransform({ status }), settled, NOW_ISO)).toEqual(status);
  });

  test('keeps the time of the fetch while the digest stays', () => {
    const before = nextStatus(sampleTransform(), settled, EARLIER_ISO);
    const moved = { ...settled, resolution: { ...resolution, revision: 'uid/8' } };
    const after = nextStatus(sampleTransform({ status: before }), moved, NOW_ISO);
    expect(after.resolvedCueRef).toEqual({ ...moved.resolution, fetchedAt: EARLIER_ISO });
  });

  test.each([
    ['has not seen its generation', sampleGraph({ status: { ...readyStatus, observedGeneration: 2 } })],
    ['has no status', sampleGraph()],
    [
      'is not ready',
      sampleGraph({ status: { ...readyStatus, conditions: [sampleCondition('Ready', 'False')] } }),
    ],
    [
      'holds another render',
      sampleGraph({
        status: readyStatus,
        spec: { metadata: { ...sampleGraphMetadata(), renderHash: 'sha256:other' } },
      }),
    ],
  ])('does not say Ready while the graph %s', (_, graph) => {
    const status = nextStatus(sampleTransform(), { ...settled, graph: viewGraph(graph) }, NOW_ISO);
    expect(conditions(status)).toMatchObject({ Ready: 'False', Reconciling: 'True' });
  });

  test('is Ready and names what is left of earlier graphs', () => {
    const message = 'ConfigMap shop/orders is protected';
    const left = [sampleCondition('Ready', 'True'), sampleCondition('Pruned', 'False', { message })];
    const graph = viewGraph(sampleGraph({ status: { ...readyStatus, conditions: left } }));
    const status = nextStatus(sampleTransform(), { ...settled, graph }, NOW_ISO);
    const ready = findCondition(status.conditions, 'Ready');
    expect(ready?.status).toBe('True');
    expect(ready?.message).toMatch(/; not removed: ConfigMap shop\/orders is protected$/);
  });

  test('counts the nodes that are ready', () => {
    const nodeStatus = { a: { phase: 'Ready' }, b: { phase: 'Error' }, c: { phase: 'Pending' } } as const;
    const graph = viewGraph(sampleGraph({ status: { ...readyStatus, nodeStatus } }));
    expect(nextStatus(sampleTransform(), { ...settled, graph }, NOW_ISO).readyNodes).toBe('1/3');
    expect(
      nextStatus(sampleTransform(), { ...settled, graph: undefined }, NOW_ISO).readyNodes,
    ).toBeUndefined();
  });

  test('says in the column what somebody has to see to, where no object is to blame', () => {
    const suspended = { ...settled, isSuspended: true };
    expect(nextStatus(sampleTransform(), suspended, NOW_ISO).blockedBy).toMatch(/^suspended/);
    const ready = { conditions: [sampleCondition('Ready', 'True')] };
    expect(nextStatus(sampleTransform({ status: ready }), suspended, NOW_ISO).blockedBy).toBeUndefined();
  });

  test('names what blocks the graph, and passes on that it is stalled', () => {
    const graph = viewGraph(
      sampleGraph({
        status: {
          observedGeneration: 3,
          conditions: [
            sampleCondition('Ready', 'False', { reason: 'Conflict' }),
            sampleCondition('Stalled', 'True'),
          ],
          blockedBy: 'node config: field held by kubectl',
        },
      }),
    );
    const status = nextStatus(sampleTransform(), { ...settled, graph }, NOW_ISO);
    expect(status.blockedBy).toBe('node config: field held by kubectl');
    expect(conditions(status)).toMatchObject({ Ready: 'False', Stalled: 'True' });
    expect(findCondition(status.conditions, 'Ready')).toMatchObject({
      reason: 'Conflict',
      message: 'node config: field held by kubectl',
    });
    expect(conditions(status)['Reconciling']).toBeUndefined();
  });

  test.each([
    ['Validated', { Validated: 'False', Rendered: 'False' }],
    ['Rendered', { Validated: 'True', Rendered: 'False' }],
  ] as const)('a failure of %s is final until something changes', (step, expected) => {
    const findings = { resolution, graph: readyGraph, failure: failure(step, true) };
    const status = nextStatus(sampleTransform(), findings, NOW_ISO);
    expect(conditions(status)).toMatchObject({
      ...expected,
      Fetched: 'True',
      Ready: 'False',
      Stalled: 'True',
    });
    expect(findCondition(status.conditions, 'Ready')?.message).toBe(
      'it is wrong; the last good graph keeps running',
    );
    expect(status.violations).toEqual(failure(step, true).violations);
    expect(status.applied).toBeUndefined();
  });

  test('a message stays whole at its end, however long its cause', () => {
    const error = new TerminalError('x'.repeat(5000), { code: 'TEST', reason: 'TestFailure' });
    const findings = { resolution, failure: { step: 'Rendered', error, violations: [] } } as const;
    const status = nextStatus(sampleTransform(), findings, NOW_ISO);
    expect(findCondition(status.conditions, 'Ready')?.message).toMatch(/x…; nothing was created$/);
  });

  test('a source that fails leaves Ready to the graph that was rendered for this generation', () => {
    const before = nextStatus(sampleTransform(), settled, EARLIER_ISO);
    const findings = { graph: readyGraph, failure: failure('Fetched', false) };
    const after = nextStatus(sampleTransform({ status: before }), findings, NOW_ISO);
    expect(conditions(after)).toMatchObject({ Fetched: 'False', Rendered: 'True', Ready: 'True' });
    expect(after.applied).toEqual(before.applied);
    const changed = sampleTransform({ status: before, metadata: { generation: 3 } });
    expect(conditions(nextStatus(changed, findings, NOW_ISO))).toMatchObject({
      Ready: 'False',
      Reconciling: 'True',
    });
  });

  test('lists warnings of the render and of the size, each once', () => {
    const warning = { path: 'graph', message: 'unusual', severity: 'Warning' } as const;
    const size = { path: 'graph.nodes', message: 'near the limit', severity: 'Warning' } as const;
    const findings = { ...settled, summary: { ...summary, violations: [warning] }, sizeWarnings: [size] };
    const first = nextStatus(sampleTransform(), findings, EARLIER_ISO);
    expect(first.violations).toEqual([warning, size]);
    const again = { ...findings, summary: { ...summary, violations: first.violations ?? [] } };
    expect(nextStatus(sampleTransform({ status: first }), again, NOW_ISO)).toEqual(first);
  });

  test('forgets nodes and reference with the graph', () => {
    const before = nextStatus(sampleTransform(), settled, EARLIER_ISO);
    const hold = { reason: 'GraphTerminating', message: 'being deleted', isStalled: false };
    const after = nextStatus(sampleTransform({ status: before }), { hold, resolution }, NOW_ISO);
    expect([after.nodes, after.resourceGraphRef, after.blockedBy]).toEqual([undefined, undefined, undefined]);
    expect(findCondition(after.conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'GraphTerminating',
    });
  });
});

describe('invalidStatus', () => {
  test('says what is wrong and touches nothing else', () => {
    const before = nextStatus(sampleTransform(), settled, EARLIER_ISO);
    const after = invalidStatus(before, 'spec.cueRef: is required', 3, NOW_ISO);
    expect(conditions(after)).toMatchObject({ Ready: 'False', Stalled: 'True', Rendered: 'True' });
    expect(findCondition(after.conditions, 'Stalled')?.message).toBe(
      'spec.cueRef: is required; what runs is left as it is',
    );
    expect({ ...after, conditions: [], observedGeneration: 0 }).toEqual({
      ...before,
      conditions: [],
      observedGeneration: 0,
    });
  });
});

function sampleGraphMetadata(): { platformRef: string; renderedAt: string; digest: string } {
  return { platformRef: 'inline', renderedAt: EARLIER_ISO, digest: 'sha256:module' };
}
