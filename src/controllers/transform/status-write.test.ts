import { describe, expect, test } from 'vitest';
import type { Condition, TransformStatus } from '../../api/index.ts';
import { sampleCondition } from './sample-objects.ts';
import { writeDelayMs } from './status-write.ts';

const NOW = 1_000_000;

function status(...conditions: readonly Condition[]): TransformStatus {
  return { conditions };
}

const progressing = status(sampleCondition('Ready', 'False'), sampleCondition('Reconciling', 'True'));
const ready = status(sampleCondition('Ready', 'True'));
const failed = status(sampleCondition('Validated', 'False'), sampleCondition('Ready', 'False'));
const stalled = status(sampleCondition('Ready', 'False'), sampleCondition('Stalled', 'True'));

describe('writeDelayMs', () => {
  test('lets progress wait for a second', () => {
    expect(writeDelayMs({}, progressing, {}, NOW)).toBe(1000);
    expect(writeDelayMs({}, progressing, { unwrittenSinceMs: NOW - 400 }, NOW)).toBe(600);
    expect(writeDelayMs({}, progressing, { unwrittenSinceMs: NOW - 1000 }, NOW)).toBe(0);
  });

  test('lets progress wait for the last write as well', () => {
    const timing = { unwrittenSinceMs: NOW - 5000, statusWrittenAtMs: NOW - 100 };
    expect(writeDelayMs(ready, progressing, timing, NOW)).toBe(900);
  });

  test('writes Ready at once, and what follows it a second later', () => {
    expect(writeDelayMs({}, ready, {}, NOW)).toBe(0);
    expect(writeDelayMs(progressing, ready, { statusWrittenAtMs: NOW - 300 }, NOW)).toBe(0);
    expect(writeDelayMs(ready, progressing, { statusWrittenAtMs: NOW }, NOW)).toBe(1000);
  });

  test('is not held back by a clock that was set back since', () => {
    const later = NOW + 7_200_000;
    expect(writeDelayMs(ready, progressing, { statusWrittenAtMs: later }, NOW)).toBe(1000);
    expect(
      writeDelayMs(ready, progressing, { statusWrittenAtMs: later, unwrittenSinceMs: NOW - 1000 }, NOW),
    ).toBe(0);
    expect(
      writeDelayMs(ready, progressing, { statusWrittenAtMs: NOW - 1000, unwrittenSinceMs: later }, NOW),
    ).toBe(0);
  });

  test.each([
    ['a failed step', failed],
    ['a standstill', stalled],
  ])('writes %s at once, and only once', (_, next) => {
    const timing = { statusWrittenAtMs: NOW };
    expect(writeDelayMs(progressing, next, timing, NOW)).toBe(0);
    const withNodes = { ...next, blockedBy: 'something' };
    expect(writeDelayMs(next, withNodes, timing, NOW)).toBe(1000);
  });

  test('writes another reason of a failure at once', () => {
    const other = status(
      sampleCondition('Validated', 'False', { reason: 'Other' }),
      sampleCondition('Ready', 'False'),
    );
    expect(writeDelayMs(failed, other, { statusWrittenAtMs: NOW }, NOW)).toBe(0);
  });
});
