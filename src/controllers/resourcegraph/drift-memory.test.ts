import { describe, expect, it } from 'vitest';
import type { ObjectIdentity } from '../../api/index.ts';
import type { Drift } from '../../apply/index.ts';
import { DriftMemory } from './drift-memory.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const identity: ObjectIdentity = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
const edit: Drift = { isGone: false, fields: ['.data.k'], managers: ['kubectl-edit'] };
const never = (): boolean => false;

function repairedAt(nowMs: number): DriftMemory {
  const memory = new DriftMemory();
  memory.repaired('settings', identity, edit, nowMs);
  return memory;
}

describe('the last repair', () => {
  it('is due at once where there is none in the status', () => {
    expect(repairedAt(NOW_MS).due(undefined, never, NOW_MS)).toEqual({
      record: {
        time: '2026-01-01T00:00:00Z',
        nodeId: 'settings',
        object: 'ConfigMap shop/a',
        fields: ['.data.k'],
        manager: 'kubectl-edit',
      },
    });
  });

  it('waits until a minute is over since the last one, and goes along with any other write', () => {
    const memory = repairedAt(NOW_MS + 20_000);
    const stored = { time: '2026-01-01T00:00:00Z', nodeId: 'x', object: 'y' };
    expect(memory.due(stored, never, NOW_MS + 20_000)).toEqual({ dueInMs: 40_000 });
    expect(memory.due(stored, () => true, NOW_MS + 20_000).record).toBeDefined();
    expect(memory.due(stored, never, NOW_MS + 60_000).record).toBeDefined();
  });

  it('is written once', () => {
    const memory = repairedAt(NOW_MS);
    const { record } = memory.due(undefined, never, NOW_MS);
    if (record === undefined) throw new Error('not due');
    memory.recorded(record, NOW_MS);
    expect(memory.due(record, () => true, NOW_MS)).toEqual({});
    memory.repaired('settings', identity, edit, NOW_MS + 1_000);
    expect(memory.due(record, never, NOW_MS + 1_000)).toEqual({ dueInMs: 59_000 });
  });

  it('keeps within the bounds of the schema', () => {
    const memory = new DriftMemory();
    const fields = Array.from({ length: 40 }, () => 'f'.repeat(600));
    memory.repaired('settings', identity, { isGone: false, fields, managers: ['m'.repeat(300)] }, NOW_MS);
    const { record } = memory.due(undefined, never, NOW_MS);
    expect([record?.fields?.length, record?.fields?.[0]?.length, record?.manager?.length]).toEqual([
      16, 512, 256,
    ]);
  });

  it('of an object that left the graph is forgotten', () => {
    const memory = repairedAt(NOW_MS);
    memory.keepRepairs(() => [identity]);
    expect(memory.lastRepair(identity)).toEqual(edit);
    memory.keepRepairs(() => []);
    expect(memory.lastRepair(identity)).toBeUndefined();
  });
});

describe('looks at drift that is left', () => {
  const look = { seen: 'changed 1', drift: edit, glimpse: undefined, dueAtMs: undefined };

  it('count as long as the watch shows the same', () => {
    const memory = new DriftMemory();
    memory.looked(identity, look);
    expect(memory.lookAt(identity, 'changed 1', NOW_MS)).toEqual(look);
    expect(memory.lookAt(identity, 'changed 2', NOW_MS)).toBeUndefined();
    expect(memory.nextLookAtMs).toBeUndefined();
  });

  it('count until they are due where the watch shows nothing, or too much', () => {
    const memory = new DriftMemory();
    memory.looked(identity, look);
    memory.postponed(identity, 'changed 2', NOW_MS + 1_000);
    expect(memory.lookAt(identity, 'changed 2', NOW_MS)?.drift).toEqual(edit);
    expect(memory.nextLookAtMs).toBe(NOW_MS + 1_000);
    expect(memory.lookAt(identity, 'changed 2', NOW_MS + 1_000)).toBeUndefined();
  });

  it('don’t call for another once the drift is gone', () => {
    const memory = new DriftMemory();
    memory.looked(identity, { ...look, dueAtMs: NOW_MS });
    memory.keepLooks([]);
    expect(memory.nextLookAtMs).toBeUndefined();
  });
});
