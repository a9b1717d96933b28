import { describe, expect, it } from 'vitest';
import type { ResolvedNode } from '../api/index.ts';
import { sentHash, stampObject } from './stamp.ts';

const owner = { namespace: 'shop', name: 'web', graphId: 'applyset-x-v1', manager: 'pequod/shop/web' };
const node: ResolvedNode = {
  id: 'app',
  object: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { replicas: 2, template: {} },
  },
};
const options = { owner, namespace: 'shop', origin: 'Created', deletion: 'Delete' } as const;

describe('stamping an object', () => {
  it('adds what the watch selects by, keeps the labels of the node, and says its namespace', () => {
    const { metadata, ...rest } = stampObject(node, options);
    expect(metadata).toEqual({
      name: 'web',
      namespace: 'shop',
      labels: {
        app: 'web',
        'pequod.io/graph': 'applyset-x-v1',
        'applyset.kubernetes.io/part-of': 'applyset-x-v1',
      },
      annotations: { 'pequod.io/node': 'app' },
    });
    expect(rest).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 2, template: {} } });
  });

  it('says in the object that it was found and that it stays', () => {
    const { metadata } = stampObject(node, { ...options, origin: 'Found', deletion: 'Orphan' });
    expect(metadata.annotations).toMatchObject({
      'pequod.io/origin': 'found',
      'pequod.io/deletion': 'Orphan',
    });
  });

  it('names no namespace for a cluster-scoped object', () => {
    const { metadata } = stampObject(node, { ...options, namespace: undefined });
    expect('namespace' in metadata).toBe(false);
  });
});

describe('the hash of what is sent', () => {
  const stamped = stampObject(node, options);

  it('does not depend on the order of keys', () => {
    const { spec, ...rest } = stamped;
    expect(sentHash({ spec, ...rest }, [])).toBe(sentHash(stamped, []));
  });

  it('does not change with the value of a field that is left to others', () => {
    const scaled = { ...stamped, spec: { replicas: 5, template: {} } };
    expect(sentHash(scaled, ['/spec/replicas'])).toBe(sentHash(stamped, ['/spec/replicas']));
    expect(sentHash(scaled, [])).not.toBe(sentHash(stamped, []));
  });

  it('changes when a field comes to be left to others', () => {
    expect(sentHash(stamped, ['/spec/replicas'])).not.toBe(sentHash(stamped, []));
  });
});
