import { describe, expect, it } from 'vitest';
import type { Condition } from '../api/index.ts';
import {
  areConditionsEqual,
  findCondition,
  isConditionTrue,
  MAX_CONDITION_MESSAGE_LENGTH,
  removeCondition,
  setCondition,
} from './conditions.ts';

const EARLIER = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:05:00Z';

function condition(type: string, status: Condition['status'], message = ''): Condition {
  return { type, status, reason: 'Because', message, lastTransitionTime: EARLIER, observedGeneration: 1 };
}

const TWO: readonly Condition[] = [condition('Ready', 'False'), condition('Fetched', 'True')];

describe('setCondition', () => {
  it('keeps the transition time while the status stays, and the place in the list', () => {
    const next = setCondition(TWO, { ...condition('Ready', 'False', 'still'), reason: 'Other' }, LATER);
    expect(next.map(({ type }) => type)).toEqual(['Ready', 'Fetched']);
    expect(next[0]).toMatchObject({ reason: 'Other', message: 'still', lastTransitionTime: EARLIER });
  });

  it('moves the transition time with the status', () => {
    expect(setCondition(TWO, condition('Ready', 'True'), LATER)[0]).toMatchObject({
      lastTransitionTime: LATER,
    });
  });

  it('gives the same list back when nothing changed', () => {
    expect(setCondition(TWO, condition('Fetched', 'True'), LATER)).toBe(TWO);
  });

  it('adds a new one at the end, to no list as well', () => {
    expect(setCondition(TWO, condition('Stalled', 'True'), LATER).map(({ type }) => type)).toEqual([
      'Ready',
      'Fetched',
      'Stalled',
    ]);
    expect(setCondition(undefined, condition('Ready', 'True'), LATER)).toHaveLength(1);
  });

  it('drops an observedGeneration that is no longer given', () => {
    const { observedGeneration: _, ...input } = condition('Ready', 'False');
    expect(setCondition(TWO, input, LATER)[0]).not.toHaveProperty('observedGeneration');
  });

  it('cuts a message to what the CRD takes, never through a character', () => {
    const long = `${'a'.repeat(MAX_CONDITION_MESSAGE_LENGTH - 2)}😀😀`;
    const message = setCondition([], condition('Ready', 'False', long), LATER)[0]?.message ?? '';
    expect(message.length).toBeLessThanOrEqual(MAX_CONDITION_MESSAGE_LENGTH);
    expect(message.isWellFormed()).toBe(true);
    expect(message.endsWith('a…')).toBe(true);
  });
});

it('removeCondition removes one type and gives the same list back when there is none', () => {
  expect(removeCondition(TWO, 'Ready')).toEqual([TWO[1]]);
  expect(removeCondition(TWO, 'Stalled')).toBe(TWO);
  expect(removeCondition(undefined, 'Stalled')).toEqual([]);
});

it('finds conditions', () => {
  expect(findCondition(TWO, 'Fetched')).toBe(TWO[1]);
  expect(isConditionTrue(TWO, 'Fetched')).toBe(true);
  expect(isConditionTrue(TWO, 'Ready')).toBe(false);
  expect(isConditionTrue(undefined, 'Ready')).toBe(false);
});

it('areConditionsEqual sees every field and the order', () => {
  expect(areConditionsEqual(TWO, structuredClone(TWO))).toBe(true);
  expect(areConditionsEqual(undefined, [])).toBe(true);
  expect(areConditionsEqual(TWO, TWO.toReversed())).toBe(false);
  expect(areConditionsEqual(TWO, TWO.slice(1))).toBe(false);
  const changes: Partial<Condition>[] = [
    { type: 'X' },
    { status: 'Unknown' },
    { reason: 'X' },
    { message: 'X' },
    { lastTransitionTime: LATER },
    { observedGeneration: 2 },
  ];
  for (const change of changes) {
    expect(areConditionsEqual(TWO, [{ ...condition('Ready', 'False'), ...change }, ...TWO.slice(1)])).toBe(
      false,
    );
  }
});
