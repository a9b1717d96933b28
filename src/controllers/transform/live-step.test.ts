// After a restart: what the status says is enough to go on from.
import { describe, expect, test } from 'vitest';
import type { TransformStatus } from '../../api/index.ts';
import { knownLoop, type LiveQuestion, waitForLive } from './live-step.ts';
import type { LiveValues } from './live-values.ts';
import { sampleTransform } from './sample-objects.ts';

const NONE: LiveValues = { observed: {}, expressions: {}, hashes: {}, lost: [], unanswered: {} };
const LOST: LiveValues = {
  ...NONE,
  lost: [{ nodeId: 'db', name: 'host', lostAt: '2026-01-01T00:00:00Z' }],
};
const READS = ['context.name', 'observed.db.host'];

interface Case {
  readonly hashes: readonly string[];
  readonly hash?: string | undefined;
  readonly live?: LiveValues;
  readonly isExecuted?: boolean;
  readonly digest?: string;
}

function question({
  hashes,
  hash = hashes.at(-1),
  live = NONE,
  isExecuted = true,
  digest = 'm',
}: Case): LiveQuestion {
  const { metadata, ...rest } = sampleTransform();
  const liveRenders = { generation: metadata.generation ?? 0, digest: 'm', question: 'context.name', hashes };
  const status: TransformStatus = { renderReads: READS, liveRenders };
  return {
    transform: { ...rest, metadata, spec: { cueRef: { type: 'inline', ref: 'x' } }, status },
    memory: { uid: 'uid' },
    resolution: { digest },
    running: { hash, nodes: [], live, isExecuted },
    keyFor: (reads) => reads.join(' '),
    nowMs: 0,
  };
}

const reasonOf = (outcome: ReturnType<typeof waitForLive>): string | undefined =>
  outcome?.state === 'held' ? outcome.hold.reason : undefined;

describe('from the status alone', () => {
  test('a circle stays one, until the module changes', () => {
    expect(reasonOf(knownLoop(question({ hashes: ['a', 'b', 'a'], hash: 'b' })))).toBe('ObservedLoop');
    expect(knownLoop(question({ hashes: ['a', 'b', 'a'], hash: 'b', digest: 'other' }))).toBeUndefined();
    expect(knownLoop(question({ hashes: ['a', 'b'] }))).toBeUndefined();
  });

  test('a lost value holds the graph, but not against a change of the module', () => {
    expect(reasonOf(waitForLive(question({ hashes: ['a', 'b'], live: LOST })))).toBe('LiveValueLost');
    expect(waitForLive(question({ hashes: ['a', 'b'], live: LOST, digest: 'other' }))).toBeUndefined();
    expect(waitForLive(question({ hashes: ['a', 'b'] }))).toBeUndefined();
  });

  test('values that have not been found again, as after a wiped status, are waited for', () => {
    expect(reasonOf(waitForLive(question({ hashes: ['a', 'b'], isExecuted: false })))).toBe('Progressing');
    expect(waitForLive(question({ hashes: ['a'], isExecuted: false }))).toBeUndefined();
  });

  test('a graph that is gone takes along what led to it', () => {
    const gone = {
      ...question({ hashes: ['a', 'b', 'a'] }),
      running: { hash: undefined, nodes: [], live: NONE, isExecuted: false },
    };
    expect(knownLoop(gone)).toBeUndefined();
    expect(waitForLive(gone)).toBeUndefined();
  });
});
