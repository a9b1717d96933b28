import { describe, expect, it } from 'vitest';
import { parseJson } from '../json/index.ts';
import { type RenderContext, type RenderKeyParts, renderContext, renderKey } from './index.ts';

const context: RenderContext = {
  name: 'web',
  namespace: 'shop',
  labels: { team: 'a', 'example.com/tier': '1' },
  annotations: {},
  cluster: { version: 'v1.36.3', apiVersions: ['v1'] },
};

const parts: RenderKeyParts = {
  moduleDigest: 'sha256:1',
  packagePath: '.',
  input: { replicas: 1 },
  context,
  reads: ['context.labels.team'],
  policiesDigest: 'sha256:2',
  evaluatorVersion: '3',
};

const withLabels = (labels: Record<string, string>): RenderContext => ({ ...context, labels });

describe('the render key', () => {
  it('changes with everything that a render depends on', () => {
    const variants: readonly Partial<RenderKeyParts>[] = [
      { moduleDigest: 'sha256:9' },
      { packagePath: 'sub' },
      { input: { replicas: 2 } },
      { input: { replicas: parseJson('1.0') } },
      { context: withLabels({ team: 'b' }) },
      { context: withLabels({}) },
      { policiesDigest: 'sha256:9' },
      { evaluatorVersion: '9' },
    ];
    const keys = variants.map((variant) => renderKey({ ...parts, ...variant }));
    expect(new Set([renderKey(parts), ...keys]).size).toBe(variants.length + 1);
  });

  it('does not change with what is not read', () => {
    const other: RenderContext = {
      ...context,
      name: 'other',
      labels: { team: 'a', more: 'x' },
      cluster: { version: 'v1.37.0', apiVersions: ['v1', 'v2'] },
    };
    expect(renderKey({ ...parts, context: other })).toBe(renderKey(parts));
    expect(renderKey({ ...parts, input: { replicas: 1 } })).toBe(renderKey(parts));
    expect(renderKey({ ...parts, reads: [] })).toBe(renderKey({ ...parts, reads: [], context: other }));
  });

  it('takes whole branches and quoted labels', () => {
    const tier = { ...parts, reads: ['context.labels."example.com/tier"'] };
    expect(renderKey({ ...tier, context: withLabels({ 'example.com/tier': '2' }) })).not.toBe(
      renderKey(tier),
    );
    expect(renderKey({ ...tier, context: withLabels({ 'example.com/tier': '1' }) })).toBe(renderKey(tier));
    const all = { ...parts, reads: ['context'] };
    expect(renderKey({ ...all, context: { ...context, name: 'x' } })).not.toBe(renderKey(all));
  });

  it('does not depend on the order of the reads', () => {
    const reads = ['context.name', 'context.labels'];
    expect(renderKey({ ...parts, reads })).toBe(renderKey({ ...parts, reads: reads.toReversed() }));
  });
});

describe('the context of a Transform', () => {
  it('leaves out what tools write for themselves', () => {
    const metadata = {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '1',
      labels: { team: 'a' },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'pequod.io/reconcile': 'now',
        'example.com/owner': 'x',
      },
    };
    expect(renderContext(metadata, { version: 'v1.36.3', apiVersions: ['v1', 'apps/v1'] })).toEqual({
      name: 'web',
      namespace: 'shop',
      labels: { team: 'a' },
      annotations: { 'example.com/owner': 'x' },
      cluster: { version: 'v1.36.3', apiVersions: ['apps/v1', 'v1'] },
    });
  });
});
