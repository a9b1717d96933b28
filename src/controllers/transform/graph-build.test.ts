import { describe, expect, test } from 'vitest';
import type { InventoryItem } from '../../api/index.ts';
import { TerminalError } from '../../errors.ts';
import { applySetId } from '../../graph/index.ts';
import { applySetAnnotations, graphSpec, newGraph } from './graph-build.ts';
import { checkSize, sizeOf, sizeWarnings } from './graph-size.ts';
import { EARLIER_ISO, NOW_ISO, RENDER_HASH, sampleGraphSpec, sampleTransform } from './sample-objects.ts';

const { nodes } = sampleGraphSpec();
const result = {
  ok: true,
  nodes,
  metadata: { name: 'web', version: '1.2.0' },
  violations: [],
  renderHash: RENDER_HASH,
  reads: [],
} as const;
const input = {
  transform: sampleTransform(),
  result,
  resolution: { digest: 'sha256:module' },
  sourceKey: 'sha256:source',
  policies: { serviceAccountName: 'team', deletionPolicy: 'Orphan' },
  previous: undefined,
  nowIso: NOW_ISO,
} as const;

describe('graphSpec', () => {
  test('holds nodes, policies and where they come from', () => {
    expect(graphSpec(input)).toEqual({
      sourceRef: { kind: 'Transform', name: 'web', uid: 'transform-uid' },
      metadata: {
        name: 'web',
        version: '1.2.0',
        platformRef: 'inline',
        renderHash: RENDER_HASH,
        renderedAt: NOW_ISO,
        digest: 'sha256:module',
        sourceKey: 'sha256:source',
      },
      nodes,
      serviceAccountName: 'team',
      deletionPolicy: 'Orphan',
    });
  });

  test('keeps the time of the first render with the same hash', () => {
    const same = graphSpec({ ...input, previous: sampleGraphSpec() });
    expect(same.metadata.renderedAt).toBe(EARLIER_ISO);
    const changed = { ...input, result: { ...result, renderHash: 'sha256:other' } };
    expect(graphSpec({ ...changed, previous: sampleGraphSpec() }).metadata.renderedAt).toBe(NOW_ISO);
  });

  test('shortens what the schema would refuse', () => {
    const metadata = { name: 'n'.repeat(300), version: 'v'.repeat(300) };
    const violations = [{ path: '', message: 'm'.repeat(2000), severity: 'Warning' }] as const;
    const spec = graphSpec({ ...input, result: { ...result, metadata, violations } });
    expect(spec.metadata.name).toHaveLength(253);
    expect(spec.metadata.version).toHaveLength(128);
    expect(spec.violations?.[0]?.message).toHaveLength(1024);
  });
});

describe('newGraph', () => {
  test('has all that it needs from its first moment', () => {
    const { metadata } = newGraph(sampleTransform(), graphSpec(input));
    expect(metadata).toMatchObject({
      namespace: 'shop',
      name: 'web',
      finalizers: ['pequod.io/resourcegraph-finalizer'],
      ownerReferences: [
        { kind: 'Transform', uid: 'transform-uid', controller: true, blockOwnerDeletion: true },
      ],
      labels: { 'applyset.kubernetes.io/id': applySetId({ namespace: 'shop', name: 'web' }) },
    });
  });

  test('has the id that KEP-3659 computes', () => {
    // printf 'web.shop.ResourceGraph.platform.pequod.io' | sha256sum, as base64url without padding
    expect(applySetId({ namespace: 'shop', name: 'web' })).toBe(
      'applyset-Vbqh2WVNK_YwBZr91JqOsUvk88hB8lTECpefegx_6u8-v1',
    );
  });
});

describe('applySetAnnotations', () => {
  test('names the kinds of the nodes and of the inventory, sorted, each once', () => {
    const item = (group: string, kind: string): InventoryItem => ({
      ...{ nodeId: 'x', group, version: 'v1', kind, name: 'x', origin: 'Created', deletion: 'Delete' },
      wave: 0,
      recordedAt: NOW_ISO,
    });
    const inventory = [item('apps', 'Deployment'), item('', 'ConfigMap'), item('', 'Service')];
    expect(applySetAnnotations(nodes, inventory)).toEqual({
      'applyset.kubernetes.io/tooling': 'pequod/v0.1',
      'applyset.kubernetes.io/contains-group-kinds': 'ConfigMap,Deployment.apps,Service',
    });
  });
});

describe('size', () => {
  const limits = { maxNodes: 10, maxSpecBytes: 1000 };

  test('is refused over a limit', () => {
    expect(() => checkSize({ nodes: 10, bytes: 1000, statusBytes: 0 }, limits)).not.toThrow();
    expect(() => checkSize({ nodes: 11, bytes: 10, statusBytes: 0 }, limits)).toThrow(TerminalError);
    expect(() => checkSize({ nodes: 1, bytes: 1001, statusBytes: 0 }, limits)).toThrow(
      'the graph has 1001 bytes',
    );
  });

  test('is refused where its status may not fit, or both together', () => {
    const wide = { maxNodes: 1_000, maxSpecBytes: 1024 * 1024 };
    const size = { nodes: 1, bytes: 500_000, statusBytes: 900_000 };
    expect(() => checkSize(size, wide)).not.toThrow();
    expect(() => checkSize({ ...size, statusBytes: 1_048_577 }, wide)).toThrow('1048577 bytes of status');
    expect(() => checkSize({ ...size, bytes: 600_000 }, wide)).toThrow('1500000 bytes with its status');
  });

  test('is warned of from four fifths of a limit on', () => {
    expect(sizeWarnings({ nodes: 8, bytes: 800, statusBytes: 0 }, limits)).toEqual([]);
    expect(
      sizeWarnings({ nodes: 9, bytes: 801, statusBytes: 0 }, limits).map(({ message }) => message),
    ).toEqual([
      'the graph has 9 nodes, at most 10 are taken',
      'the graph has 801 bytes, at most 1000 are taken',
    ]);
  });

  test('counts bytes, not characters', () => {
    const plain = sizeOf(sampleGraphSpec(), [], 'shop').bytes;
    const spec = sampleGraphSpec({ serviceAccountName: 'defaulä' });
    expect(sizeOf(spec, [], 'shop')).toMatchObject({ nodes: 1, bytes: plain + 1 });
  });
});
