// Several replicas that share the work. Who wrote what is told by the audit log: each replica has a token of its own.
import { afterEach, describe, expect } from 'vitest';

import { isWrite } from '../bench/support/calls.ts';
import { shardLeaseName, shardOf } from '../src/leases/shards/index.ts';
import type { AuditEntry } from '../test/control-plane/index.ts';
import {
  cluster,
  configMap,
  inline,
  leaseWritesOf,
  OPERATOR_USER,
  Operator,
  type Space,
  story,
  turnsOf,
  until,
  useOperator,
  writesOf,
} from './support/index.ts';

const SHARDS = 8;
const NAMESPACE = 'pequod-system';
const TIMEOUT_MS = 600_000;
/** Leases of who was killed have to expire. */
const BALANCE_MS = 120_000;

/** Leases that outlast a machine which has other things to do: what is lost ends the replica, as it should. */
function flags(shards: number): readonly string[] {
  return [
    ...['--leader-elect', '--shards', String(shards), '--leader-elect-resource-namespace', NAMESPACE],
    ...['--leader-elect-lease-duration', '15s', '--leader-elect-renew-deadline', '12s'],
  ];
}

const running = useOperator({ flags: flags(SHARDS) });
const replicas: Operator[] = [];

afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.release()));
  if (!running.operator.isRunning) await running.operator.restart();
});

async function startReplica(shards: number = SHARDS): Promise<Operator> {
  const replica = await Operator.start(cluster, { flags: flags(shards) });
  replicas.push(replica);
  return replica;
}

/** What a replica said whenever it had other shards than before. */
function changesOf(replica: Operator): readonly string[] {
  return replica.log.split('\n').filter((line) => line.includes('"msg":"shards have changed"'));
}

/** Shards that a replica works on, by what it said last. */
function shardsOf(replica: Operator): readonly number[] {
  const said = changesOf(replica);
  const last: unknown = JSON.parse(said.at(-1) ?? '{"owned":[]}');
  return last !== null && typeof last === 'object' && 'owned' in last && Array.isArray(last.owned)
    ? last.owned
    : [];
}

async function untilBalanced(living: readonly Operator[], shards: number = SHARDS): Promise<void> {
  await until(
    `${living.length} replicas share ${shards} shards`,
    async () => living.map(shardsOf),
    (owned) => {
      const sizes = owned.map((each) => each.length);
      const isWhole = new Set(owned.flat()).size === shards && owned.flat().length === shards;
      return isWhole && Math.max(...sizes) - Math.min(...sizes) <= 1;
    },
    BALANCE_MS,
  );
}

function nodesOf(name: string, version: string): Parameters<typeof inline>[0] {
  return {
    a: configMap(`${name}-a`, { version }),
    b: configMap(`${name}-b`, { version }, { dependsOn: ['a'] }),
  };
}

async function bring(space: Space, names: readonly string[], version: string): Promise<void> {
  for (const name of names) await space.transform(name, inline(nodesOf(name, version)));
}

async function untilAllHave(space: Space, names: readonly string[], version: string): Promise<void> {
  for (const name of names) {
    await space.untilReady(name, 90_000);
    for (const part of ['a', 'b']) {
      const { data } = await space.get('ConfigMap', `${name}-${part}`);
      expect(data, name).toEqual({ version });
    }
  }
}

/** The Transform that an object of a story belongs to; undefined for others. */
function transformOf({ resource, name = '' }: AuditEntry): string | undefined {
  if (resource === 'transforms' || resource === 'resourcegraphs') return name;
  return resource === 'configmaps' ? name.replace(/-[ab]$/, '') : undefined;
}

/** Writes that were not made under the writer's own Lease, and how often a Transform's writer changed. */
function judge(
  entries: readonly AuditEntry[],
  namespace: string,
): { readonly writes: number; readonly switches: number; readonly strays: readonly string[] } {
  const leases = leaseWritesOf(entries);
  const ofTransforms = entries.filter((entry) => {
    return entry.namespace === namespace && transformOf(entry) !== undefined;
  });
  const byTransform = Map.groupBy(ofTransforms, (entry) => transformOf(entry) ?? '');
  const strays: string[] = [];
  let switches = 0;
  let writes = 0;
  for (const [name, of] of byTransform) {
    const lease = ` ${NAMESPACE}/${shardLeaseName('pequod', SHARDS, shardOf({ namespace, name }, SHARDS))}`;
    const held = leases.filter(({ what }) => what.endsWith(lease));
    const made = writesOf(of);
    writes += made.length;
    switches += turnsOf(made).length - 1;
    for (const write of made) {
      // Who held it when the log was opened is known from what it wrote next.
      const holder = held.findLast(({ to }) => to <= write.from) ?? held[0];
      const other = held.find(({ by, from, to }) => by !== write.by && from > write.from && to < write.to);
      if (holder?.by === write.by && other === undefined) continue;
      strays.push(`${write.from} ${write.what} by ${write.by}, lease of ${(other ?? holder)?.by}`);
    }
  }
  return { writes, switches, strays };
}

describe('replicas that share the work', () => {
  story(
    'come, go and are killed, and no Transform is ever worked on by two',
    async ({ space }) => {
      const names = Array.from({ length: 40 }, (_, index) => `t${index}`);
      const audit = await cluster.openAuditLog();
      try {
        const mark = await audit.mark();
        const first = running.operator;
        await bring(space, names, '1');
        const second = await startReplica();
        await bring(space, names, '2');
        const third = await startReplica();
        await untilBalanced([first, second, third]);
        await Promise.all([bring(space, names, '3'), second.kill9()]);
        await untilBalanced([first, third]);
        const [, fourth] = await Promise.all([bring(space, names, '4'), startReplica()]);
        await Promise.all([bring(space, names, '5'), first.stop()]);
        await untilBalanced([third, fourth]);
        await Promise.all([bring(space, names, '6'), third.kill9()]);
        await untilAllHave(space, names, '6');
        await untilBalanced([fourth]);
        const verdict = judge(await audit.since(mark), space.namespace);
        expect(verdict.strays).toEqual([]);
        expect(verdict.switches).toBeGreaterThan(names.length);
        const objects = await space.names('ConfigMap');
        expect(objects).toEqual(names.flatMap((name) => [`${name}-a`, `${name}-b`]).sort());
        for (const name of names) await space.delete('Transform', name);
        for (const name of names) await space.untilGone('Transform', name);
        expect(await space.names('ConfigMap')).toEqual([]);
      } finally {
        await audit.close();
      }
    },
    TIMEOUT_MS,
  );

  story(
    'take over what is settled without a write or a render, by one list of each kind',
    async ({ space }) => {
      const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
      await bring(space, names, '1');
      for (const name of names) await space.untilReady(name);
      const second = await startReplica();
      await untilBalanced([running.operator, second]);
      const audit = await cluster.openAuditLog();
      try {
        const mark = await audit.mark();
        const before = changesOf(second).length;
        await running.operator.stop();
        await untilBalanced([second]);
        // Whatever the takeover causes is in the queues before this one is.
        await space.transform('later', inline(nodesOf('later', '1')));
        await space.untilReady('later');
        const entries = (await audit.since(mark)).filter(({ user }) => user === OPERATOR_USER);
        const calls = entries.filter(
          ({ name = '', resource }) => resource !== 'leases' && !name.startsWith('later'),
        );
        const writes = calls.filter((call) => call.namespace === space.namespace && isWrite(call));
        expect(writes.map(({ name, resource, verb }) => `${verb} ${resource}/${name}`)).toEqual([]);
        const lists = calls.filter(({ verb }) => verb === 'list').map(({ requestURI }) => requestURI);
        const kinds = Map.groupBy(lists, (uri) => uri);
        const batches = changesOf(second).length - before;
        for (const [uri, of] of kinds) expect(of.length, uri).toBeLessThanOrEqual(batches);
        expect(kinds.size).toBe(3);
        expect(calls.filter(({ stage, verb }) => verb === 'watch' && stage === 'ResponseStarted')).toEqual(
          [],
        );
        const renders = second.log.split('\n').filter((line) => line.includes('module rendered'));
        expect(renders.length).toBe(1);
      } finally {
        await audit.close();
      }
    },
    TIMEOUT_MS,
  );

  story(
    'that were told another number of shards wait until the others are done',
    async ({ space }) => {
      await bring(space, ['one'], '1');
      await space.untilReady('one');
      const other = await startReplica(3);
      await until(
        'it says that it waits',
        async () => other.log,
        (log) => log.includes('replicas with another --shards'),
      );
      await bring(space, ['one'], '2');
      await untilAllHave(space, ['one'], '2');
      expect(shardsOf(other)).toEqual([]);
      await running.operator.stop();
      await untilBalanced([other], 3);
      await bring(space, ['one', 'two'], '3');
      await untilAllHave(space, ['one', 'two'], '3');
    },
    TIMEOUT_MS,
  );
});
