import { describe, expect, it } from 'vitest';
import { escapePointerSegment, getPointer, parsePointer, removePointer, setPointer } from './index.ts';

const DEPLOYMENT = {
  metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
  spec: { replicas: 3, containers: [{ name: 'a' }, { name: 'b', image: 'x' }] },
};

describe('pointers', () => {
  it('read members, elements and escaped keys', () => {
    expect(getPointer(DEPLOYMENT, '/spec/replicas')).toBe(3);
    expect(getPointer(DEPLOYMENT, '/spec/containers/1/image')).toBe('x');
    expect(getPointer(DEPLOYMENT, '/metadata/labels/app.kubernetes.io~1name')).toBe('web');
    expect(getPointer(DEPLOYMENT, '')).toBe(DEPLOYMENT);
  });

  it.each([
    '/spec/none',
    '/spec/containers/2',
    '/spec/containers/-',
    '/spec/containers/01',
    '/spec/replicas/x',
  ])('find nothing at %s', (pointer) => expect(getPointer(DEPLOYMENT, pointer)).toBeUndefined());

  it('never reach what an object inherits', () => {
    expect(getPointer({}, '/constructor')).toBeUndefined();
    expect(getPointer({}, '/__proto__/toString')).toBeUndefined();
    expect(setPointer({}, '/constructor/name', 'x')).toEqual({ constructor: { name: 'x' } });
  });

  it('refuse text that is no pointer', () => {
    expect(() => parsePointer('spec/replicas')).toThrow(RangeError);
  });

  it('escape what would end a segment, and come back', () => {
    expect(escapePointerSegment('a/b~c')).toBe('a~1b~0c');
    expect(parsePointer('/a~1b~0c')).toEqual(['a/b~c']);
    expect(parsePointer('/~01')).toEqual(['~1']);
  });

  it('remove without touching the original, and leave empty parents', () => {
    const before = structuredClone(DEPLOYMENT);
    const after = removePointer(DEPLOYMENT, '/spec/containers/0');
    expect(after.spec.containers).toEqual([{ name: 'b', image: 'x' }]);
    expect(removePointer({ a: { b: 1 } }, '/a/b')).toEqual({ a: {} });
    expect(removePointer(DEPLOYMENT, '/spec/none')).toBe(DEPLOYMENT);
    expect(DEPLOYMENT).toEqual(before);
  });

  it('set, making parents as they are missing', () => {
    expect(setPointer({}, '/spec/template/replicas', 2)).toEqual({ spec: { template: { replicas: 2 } } });
    expect(setPointer(DEPLOYMENT, '/spec/containers/0/name', 'c').spec.containers[0]).toEqual({ name: 'c' });
    expect(DEPLOYMENT.spec.containers[0]).toEqual({ name: 'a' });
  });
});
