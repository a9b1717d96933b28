import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/index.ts';
import { COUNT_LABEL, ROLE_LABEL } from './names.ts';
import { Sightings } from './sightings.ts';

const DURATION_MS = 15_000;

function lease(
  name: string,
  role: string,
  count: number,
  holder: string,
  resourceVersion: string,
): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, resourceVersion, labels: { [ROLE_LABEL]: role, [COUNT_LABEL]: String(count) } },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15, renewTime: '2020-01-01T00:00:00.000000Z' },
  };
}

describe('what was seen of Leases', () => {
  it('counts a holder as living for its duration after a change was seen, whatever times it wrote', () => {
    const seen = new Sightings(DURATION_MS);
    const old = lease('s', 'shard', 8, 'a', '1');
    seen.look([old], 1_000);
    expect(seen.holder('s', 1_000 + DURATION_MS - 1)).toBe('a');
    seen.look([old], 1_000 + DURATION_MS);
    expect(seen.holder('s', 1_000 + DURATION_MS)).toBeUndefined();
    seen.look([lease('s', 'shard', 8, 'a', '2')], 1_000 + DURATION_MS);
    expect(seen.holder('s', 1_000 + DURATION_MS)).toBe('a');
  });

  it('knows nobody of a Lease that was given back, or is gone', () => {
    const seen = new Sightings(DURATION_MS);
    seen.look([lease('s', 'shard', 8, '', '1')], 0);
    expect(seen.holder('s', 0)).toBeUndefined();
    seen.look([lease('s', 'shard', 8, 'a', '2')], 0);
    seen.look([], 1);
    expect(seen.holder('s', 1)).toBeUndefined();
  });

  it('counts as members those who live and have the same count', () => {
    const seen = new Sightings(DURATION_MS);
    const silent = lease('m-old', 'member', 8, 'old', '1');
    seen.look([silent], 0);
    seen.look(
      [silent, lease('m-a', 'member', 8, 'a', '2'), lease('m-b', 'member', 4, 'b', '3')],
      DURATION_MS,
    );
    expect(seen.members(8, DURATION_MS)).toEqual(['a']);
    expect(seen.members(4, DURATION_MS)).toEqual(['b']);
  });

  it('tells of shards of another count only while somebody holds them', () => {
    const seen = new Sightings(DURATION_MS);
    const others = [lease('pequod-shard-4-0', 'shard', 4, 'b', '1'), lease('m-b', 'member', 4, 'b', '2')];
    seen.look([...others, lease('pequod-shard-8-0', 'shard', 8, 'a', '3')], 0);
    expect(seen.otherCounts(8, DURATION_MS - 1)).toEqual([4]);
    expect(seen.otherCounts(4, DURATION_MS - 1)).toEqual([8]);
    expect(seen.otherCounts(8, DURATION_MS)).toEqual([]);
    seen.look([lease('pequod-shard-4-0', 'shard', 4, '', '4')], 1);
    expect(seen.otherCounts(8, 1)).toEqual([]);
  });

  it('calls left behind what has been silent for long, and never a shard of the same count', () => {
    const seen = new Sightings(DURATION_MS);
    const all = [
      lease('pequod-shard-8-0', 'shard', 8, '', '1'),
      lease('pequod-shard-4-0', 'shard', 4, '', '2'),
      lease('m-a', 'member', 8, 'a', '3'),
    ];
    seen.look(all, 0);
    expect(seen.leftovers(8, 4 * DURATION_MS - 1)).toEqual([]);
    expect(seen.leftovers(8, 4 * DURATION_MS).map(({ name }) => name)).toEqual(['pequod-shard-4-0', 'm-a']);
  });
});
