import { describe, expect, it } from 'vitest';
import type { ManagedFieldsEntry } from '../api/index.ts';
import { claimedEntries, releasedEntries, transferOwnership } from './managed-fields.ts';

const OURS = 'pequod/shop/web';

function entry(
  manager: string,
  operation: 'Apply' | 'Update',
  fieldsV1: ManagedFieldsEntry['fieldsV1'] = {},
): ManagedFieldsEntry {
  return { manager, operation, apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsV1 };
}

describe('handing over field ownership', () => {
  it('renames our entry and leaves those of others alone', () => {
    const kubectl = entry('kubectl-edit', 'Update', { 'f:data': { 'f:b': {} } });
    const released = releasedEntries([entry(OURS, 'Apply', { 'f:data': { 'f:a': {} } }), kubectl], OURS);
    expect(released).toEqual([kubectl, entry('pequod-released', 'Apply', { 'f:data': { 'f:a': {} } })]);
  });

  it('joins what pequod/keep and an earlier release own, so that no field is left without an owner', () => {
    const released = releasedEntries(
      [
        entry(OURS, 'Apply', { 'f:spec': { 'f:template': {} } }),
        entry('pequod/keep', 'Apply', { 'f:spec': { 'f:replicas': {} } }),
        entry('pequod-released', 'Apply', { 'f:metadata': { 'f:labels': { 'f:x': {} } } }),
      ],
      OURS,
    );
    expect(released).toHaveLength(1);
    expect(released?.[0]?.fieldsV1).toEqual({
      'f:spec': { 'f:template': {}, 'f:replicas': {} },
      'f:metadata': { 'f:labels': { 'f:x': {} } },
    });
  });

  it('does not take an Update entry, nor one of a subresource, for an apply of the same name', () => {
    const scale = { ...entry(OURS, 'Apply'), subresource: 'scale' };
    expect(transferOwnership([entry(OURS, 'Update'), scale], [OURS], 'other')).toBeUndefined();
  });

  it("claims nobody's fields together with what is ours already", () => {
    const claimed = claimedEntries(
      [entry('pequod-released', 'Apply', { 'f:a': {} }), entry(OURS, 'Apply', { 'f:b': {} })],
      ['pequod-released'],
      OURS,
    );
    expect(claimed).toEqual([entry(OURS, 'Apply', { 'f:a': {}, 'f:b': {} })]);
  });

  it('has nothing to hand over where we own nothing', () => {
    expect(releasedEntries([entry('kubectl', 'Apply')], OURS)).toBeUndefined();
  });
});
