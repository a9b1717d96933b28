// Replicas that share shards by real Leases: what is begun with, and what ends them.
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import type { NamespacedName } from '../../../src/api/index.ts';
import { isJsonObject } from '../../../src/json/index.ts';
import { LEASES, type OperatorClient } from '../../../src/kube/index.ts';
import { LeaseWatch, WriteFence } from '../../../src/leases/index.ts';
import { Shards, shardLeaseName, shardOf } from '../../../src/leases/shards/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import type { KeyFilter } from '../../../src/runtime/index.ts';
import { eventually } from '../eventually.ts';
import { dropNamespace, freshNamespace, operatorClient, soon } from '../kube/cluster.ts';

const TIMINGS = { durationMs: 10_000, renewDeadlineMs: 8_000, retryPeriodMs: 300 };
const COUNT = 2;

let client: OperatorClient;
let namespace: string;
beforeAll(async () => {
  client = await operatorClient(inject('controlPlane').kubeconfigPath);
  namespace = await freshNamespace(client, 'shards');
});
afterAll(async () => {
  await dropNamespace(client, namespace);
  await client.close();
});

/** A replica, not started. `refresh` says when what it knows is new enough. */
function replica(identity: string, prefix: string, refresh: (isGained: KeyFilter) => Promise<void>): Replica {
  const basics = { client, namespace, labels: { set: prefix }, log: silentLogger(), random: Math.random };
  const watch = new LeaseWatch({ ...basics, now: Date.now });
  const shards = new Shards({
    ...{ ...basics, count: COUNT, identity, prefix, refresh, timings: TIMINGS, watch },
    fence: new WriteFence(),
    onLost: () => undefined,
    wallNow: Date.now,
  });
  const stop = async (): Promise<void> => {
    await shards.stop();
    await watch.stop();
  };
  onTestFinished(stop);
  const start = async (): Promise<void> => {
    await watch.start(soon());
    await shards.start(soon());
  };
  return { shards, start, stop };
}

interface Replica {
  readonly shards: Shards;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function holderOf(prefix: string, shard: number): Promise<unknown> {
  const name = shardLeaseName(prefix, COUNT, shard);
  const { spec } = await client.get(LEASES, { namespace, name }, soon());
  return isJsonObject(spec) ? spec['holderIdentity'] : undefined;
}

function keyIn(shard: number): NamespacedName {
  for (let index = 0; ; index += 1) {
    const key = { namespace: 'shop', name: `web-${index}` };
    if (shardOf(key, COUNT) === shard) return key;
  }
}

test('a shard that was away while it was being begun with is begun with anew', async () => {
  const prefix = 'aba';
  const first = Promise.withResolvers<void>();
  const refreshed: KeyFilter[] = [];
  const a = replica('a', prefix, async (isGained) => {
    refreshed.push(isGained);
    await first.promise;
  });
  await a.start();
  await eventually(() => expect(refreshed[0]).toBeDefined());
  await eventually(async () => {
    expect([await holderOf(prefix, 0), await holderOf(prefix, 1)]).toEqual(['a', 'a']);
  });
  const b = replica('b', prefix, async () => undefined);
  await b.start();
  await eventually(() => expect(b.shards.owned()).toHaveLength(1));
  const [moved = Number.NaN] = b.shards.owned();
  await b.stop();
  await eventually(async () => expect(await holderOf(prefix, moved)).toBe('a'));
  expect(a.shards.owned()).toEqual([]);

  const before = refreshed.length;
  first.resolve();
  await eventually(() => expect(a.shards.owns(keyIn(moved))).toBe(true));
  expect(refreshed.slice(before).some((isGained) => isGained(keyIn(moved)))).toBe(true);
});
