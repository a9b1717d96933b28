import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import {
  candidateName,
  entryOf,
  nextNumber,
  type RevisionEntry,
  type RevisionOwner,
  readyOnes,
  revisionName,
  surplus,
} from './history.ts';

const owner: RevisionOwner = { namespace: 'shop', name: 'web', uid: 'uid-1' };

function entry(number: number, wasReady: boolean = true): RevisionEntry {
  const name = revisionName(owner, number);
  return { number, name, uid: `u${number}`, resourceVersion: '1', renderHash: `h${number}`, wasReady };
}

function stored(labels: Record<string, string>, ownerUid: string = owner.uid): KubeObject {
  const reference = {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'Transform',
    name: 'web',
    uid: ownerUid,
    controller: true,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: 'x',
      uid: 'u',
      resourceVersion: '7',
      labels: { 'pequod.io/transform-uid': owner.uid, ...labels },
      annotations: { 'pequod.io/render-hash': 'h' },
      ownerReferences: [reference],
    },
  };
}

describe('names', () => {
  test('differ by Transform, also by one that had the name before, and fit whatever the name is', () => {
    const long = { ...owner, name: `${'a'.repeat(199)}.${'b'.repeat(53)}` };
    const names = [
      revisionName(owner, 1),
      revisionName(owner, 11),
      revisionName({ ...owner, uid: 'uid-2' }, 1),
      revisionName({ ...owner, name: 'web-1' }, 1),
      revisionName(long, 999_999_999),
      candidateName(owner, 'h'),
      candidateName(long, 'h'),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/);
    for (const name of names) expect(name).not.toMatch(/\.-|-\./);
  });
});

describe('entries', () => {
  test('are read from labels', () => {
    expect(entryOf(owner, stored({ 'pequod.io/revision': '12', 'pequod.io/ready': 'true' }))).toEqual({
      number: 12,
      name: 'x',
      uid: 'u',
      resourceVersion: '7',
      renderHash: 'h',
      wasReady: true,
    });
  });

  test.each([
    ['without a number', stored({})],
    ['with a number that is none', stored({ 'pequod.io/revision': '1e9' })],
    ['with a number out of bounds', stored({ 'pequod.io/revision': '99999999999' })],
    ['of a candidate', stored({ 'pequod.io/revision': '1', 'pequod.io/candidate': 'true' })],
    ['of another owner', stored({ 'pequod.io/revision': '1' }, 'uid-2')],
    ['of another label', stored({ 'pequod.io/revision': '1', 'pequod.io/transform-uid': 'uid-2' })],
  ])('%s are none', (_what, object) => {
    expect(entryOf(owner, object)).toBeUndefined();
  });
});

describe('numbers', () => {
  test('start with one and go above whatever was issued or is there', () => {
    expect(nextNumber([])).toBe(1);
    expect(nextNumber([], undefined, 4)).toBe(5);
    expect(nextNumber([entry(9), entry(2)], 4, undefined)).toBe(10);
  });
});

describe('the last Ready revision', () => {
  test('is the newest one that was, besides the one that runs', () => {
    const history = [entry(3), entry(1), entry(4, false), entry(2)];
    expect(readyOnes(history, undefined).map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(readyOnes(history, 3)[0]?.number).toBe(2);
    expect(readyOnes([entry(4, false)], undefined)).toEqual([]);
  });
});

describe('what goes', () => {
  test('is the oldest, beyond the limit', () => {
    const history = [entry(5), entry(1), entry(2), entry(4), entry(3)];
    expect(surplus(history, 3, new Set()).map(({ number }) => number)).toEqual([1, 2]);
    expect(surplus(history, 10, new Set())).toEqual([]);
  });

  test('is never the newest that was Ready, nor one that is kept', () => {
    const history = [entry(1), entry(2), entry(3, false), entry(4, false)];
    expect(surplus(history, 0, new Set()).map(({ number }) => number)).toEqual([1, 3, 4]);
    expect(surplus(history, 1, new Set([1])).map(({ number }) => number)).toEqual([3, 4]);
  });

  test('leaves what it has to, in any history', () => {
    const histories = fc.uniqueArray(
      fc.record({ number: fc.integer({ min: 1, max: 50 }), ready: fc.boolean() }),
      {
        selector: ({ number }) => number,
      },
    );
    const property = fc.property(
      histories,
      fc.nat(12),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (drawn, limit, running) => {
        const history = drawn.map(({ number, ready }) => entry(number, ready));
        const kept = new Set(running);
        const gone = new Set(surplus(history, limit, kept));
        const left = history.filter((one) => !gone.has(one));
        expect(left.filter(({ number }) => !kept.has(number)).length).toBeLessThanOrEqual(Math.max(limit, 1));
        expect(left.length).toBeGreaterThanOrEqual(Math.min(history.length, limit));
        expect(readyOnes(left, undefined)[0]).toEqual(readyOnes(history, undefined)[0]);
        for (const one of history) if (kept.has(one.number)) expect(gone.has(one)).toBe(false);
      },
    );
    fc.assert(property);
  });
});
