import { describe, expect, it } from 'vitest';
import type { ObjectMeta } from '../api/index.ts';
import { addFinalizerPatch, hasFinalizer, isBeingDeleted, removeFinalizerPatch } from './finalizer.ts';

function object(metadata: Partial<ObjectMeta>): { readonly metadata: ObjectMeta } {
  return { metadata: { name: 'shop', resourceVersion: '7', ...metadata } };
}

const GUARD = { op: 'replace', path: '/metadata/resourceVersion', value: '7' };

describe('finalizers', () => {
  it('are added to none, and after the others', () => {
    expect(addFinalizerPatch(object({}), 'a/b')).toEqual([
      GUARD,
      { op: 'add', path: '/metadata/finalizers', value: ['a/b'] },
    ]);
    expect(addFinalizerPatch(object({ finalizers: ['x/y'] }), 'a/b')).toEqual([
      GUARD,
      { op: 'add', path: '/metadata/finalizers', value: ['x/y', 'a/b'] },
    ]);
  });

  it('are removed alone', () => {
    expect(removeFinalizerPatch(object({ finalizers: ['x/y', 'a/b', 'z/z'] }), 'a/b')).toEqual([
      GUARD,
      { op: 'add', path: '/metadata/finalizers', value: ['x/y', 'z/z'] },
    ]);
  });

  it('need no patch when they are as wanted', () => {
    expect(addFinalizerPatch(object({ finalizers: ['a/b'] }), 'a/b')).toBeUndefined();
    expect(removeFinalizerPatch(object({ finalizers: ['x/y'] }), 'a/b')).toBeUndefined();
    expect(removeFinalizerPatch(object({}), 'a/b')).toBeUndefined();
  });

  it('are never changed without a version to guard them', () => {
    const { resourceVersion: _, ...metadata } = object({}).metadata;
    expect(() => addFinalizerPatch({ metadata }, 'a/b')).toThrow('not read from the API server');
  });

  it('are looked up', () => {
    expect(hasFinalizer(object({ finalizers: ['a/b'] }), 'a/b')).toBe(true);
    expect(hasFinalizer(object({}), 'a/b')).toBe(false);
    expect(isBeingDeleted(object({ deletionTimestamp: '2026-01-01T00:00:00Z' }))).toBe(true);
    expect(isBeingDeleted(object({}))).toBe(false);
  });
});
