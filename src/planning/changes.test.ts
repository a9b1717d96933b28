import { describe, expect, it } from 'vitest';
import { MAX_PLAN_CHANGES, MAX_PLAN_VALUE_LENGTH } from '../api/crd/index.ts';
import type { KubeObject } from '../api/index.ts';
import type { JsonObject } from '../json/index.ts';
import { changesBetween, MASKED } from './changes.ts';

const object = (more: JsonObject, kind = 'ConfigMap'): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'web', namespace: 'shop' },
  ...more,
});

describe('changes', () => {
  it('names fields that are set, changed and removed', () => {
    const live = object({ data: { same: '1', changed: 'a', gone: 'x' } });
    const wanted = object({ data: { same: '1', changed: 'b', added: 'y' } });
    expect(changesBetween(live, wanted)).toEqual({
      changes: [
        { path: '.data.added', to: '"y"' },
        { path: '.data.changed', from: '"a"', to: '"b"' },
        { path: '.data.gone', from: '"x"' },
      ],
      isCut: false,
    });
  });

  it('passes over status and what the API server keeps', () => {
    const metadata = { name: 'web', namespace: 'shop', resourceVersion: '7', generation: 2, uid: 'u' };
    const live = object({ status: { ready: true }, metadata: { ...metadata, managedFields: [] } });
    expect(changesBetween(live, object({ metadata: { ...metadata, resourceVersion: '8' } })).changes).toEqual(
      [],
    );
  });

  it('compares lists of named things by name, whatever their order', () => {
    const live = object({
      spec: {
        containers: [
          { name: 'a', image: '1' },
          { name: 'b', image: '1' },
        ],
      },
    });
    const wanted = object({
      spec: {
        containers: [
          { name: 'b', image: '2' },
          { name: 'a', image: '1' },
        ],
      },
    });
    expect(changesBetween(live, wanted).changes).toEqual([
      { path: '.spec.containers[name="b"].image', from: '"1"', to: '"2"' },
    ]);
  });

  it('compares other lists by position, or whole where their lengths differ', () => {
    const changes = (from: readonly number[], to: readonly number[]): unknown =>
      changesBetween(object({ list: [...from] }), object({ list: [...to] })).changes;
    expect(changes([1, 2], [1, 3])).toEqual([{ path: '.list[1]', from: '2', to: '3' }]);
    expect(changes([1], [1, 2])).toEqual([{ path: '.list', from: '[1]', to: '[1,2]' }]);
  });

  it('tells null from absent, and nothing of names that objects inherit', () => {
    expect(changesBetween(object({}), object({ spec: null })).changes).toEqual([
      { path: '.spec', to: 'null' },
    ]);
    expect(changesBetween(object({}), object({ constructor: 'x' })).changes).toEqual([
      { path: '.constructor', to: '"x"' },
    ]);
  });

  it('shortens values and lists', () => {
    const long = changesBetween(object({}), object({ data: 'x'.repeat(9_999) })).changes[0]?.to;
    expect(long).toHaveLength(MAX_PLAN_VALUE_LENGTH);
    const many = Object.fromEntries(Array.from({ length: 99 }, (_, index) => [`k${index}`, index]));
    const { changes, isCut } = changesBetween(object({ spec: {} }), object({ spec: many }));
    expect([changes.length, isCut]).toEqual([MAX_PLAN_CHANGES, true]);
  });

  it.each([
    ['live', 'Secret', 'Secret'],
    ['wanted only', 'ConfigMap', 'Secret'],
    ['live only', 'Secret', 'ConfigMap'],
  ])('never shows a value of a Secret (%s)', (_what, from, to) => {
    const metadata = (text: string): KubeObject['metadata'] => ({
      name: 'web',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `canary-${text}` },
    });
    const secret = (text: string, kind: string): KubeObject =>
      object(
        { data: { a: `canary-${text}` }, stringData: { b: `canary-${text}` }, metadata: metadata(text) },
        kind,
      );
    const { changes } = changesBetween(secret('one', from), secret('two', to));
    expect(JSON.stringify(changes)).not.toContain('canary');
    expect(changes).toContainEqual({ path: '.data.a', from: MASKED, to: MASKED });
  });
});
