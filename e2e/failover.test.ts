// Two and three operators of which one works: what happens when that one is killed, stopped, paused, or robbed of its
// Lease. Who wrote what is told by the audit log: at no moment may two of them write.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { isJsonObject } from '../src/json/index.ts';
import { isNotFound, LEASES } from '../src/kube/index.ts';
import type { AuditEntry } from '../test/control-plane/index.ts';
import { needs } from '../test/servers/index.ts';
import {
  adminClient,
  cluster,
  configMap,
  inline,
  Operator,
  type Space,
  story,
  straysOf,
  turnsOf,
  until,
  useOperator,
  WallClock,
  writesOf,
} from './support/index.ts';

const LEASE = { namespace: 'pequod-system', name: 'pequod-shard-1-0' };
/** Short, but long enough for a machine that has other things to do. */
const DURATION_S = 6;
const TIMEOUT_MS = 240_000;
const CALL_TIMEOUT_MS = 30_000;
const CHURN_MS = 100;
const TRANSFORMS = ['shop', 'stock', 'till'] as const;

const flags = (identity: string): readonly string[] => [
  '--leader-elect',
  ...['--leader-elect-lease-duration', `${DURATION_S}s`],
  ...['--leader-elect-renew-deadline', '4s'],
  ...['--leader-elect-retry-period', '500ms'],
  ...['--leader-elect-resource-namespace', LEASE.namespace],
  ...['--leader-elect-identity', identity],
];

const running = useOperator({ flags: flags('ahab') });
const others: Operator[] = [];

afterEach(async () => {
  await Promise.all(others.splice(0).map((one) => one.release()));
  if (!running.operator.isRunning) await running.operator.restart();
  await untilHeldBy('ahab');
});

async function startOther(
  identity: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Operator> {
  const one = await Operator.start(cluster, { flags: flags(identity), environment });
  others.push(one);
  return one;
}

/** Who holds the Lease, by the beginning of the identity; empty where nobody does. */
async function holder(): Promise<string> {
  const { spec } = await adminClient().get(LEASES, LEASE, AbortSignal.timeout(CALL_TIMEOUT_MS));
  const identity = isJsonObject(spec) ? spec['holderIdentity'] : undefined;
  return String(identity ?? '').replace(/_.*/, '');
}

/** Empty also while there is no Lease. */
async function findHolder(): Promise<string> {
  try {
    return await holder();
  } catch (error) {
    if (isNotFound(error)) return '';
    throw error;
  }
}

async function untilHeldBy(...names: readonly string[]): Promise<string> {
  return await until(`${names.join(' or ')} holds the lease`, holder, (name) => names.includes(name));
}

/** Somebody who changes Transforms all the time, so that there is always something to write. */
class Churn {
  readonly #space: Space;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;
  #version = 0;

  constructor(space: Space) {
    this.#space = space;
    this.#done = this.#run();
  }

  /** Stops, and waits until everything is as it was last wanted. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#done;
    const last = String(this.#version);
    for (const name of TRANSFORMS) {
      await this.#space.transform(name, inline({ a: configMap(name, { version: last }) }));
    }
    for (const name of TRANSFORMS) {
      await this.#space.untilReady(name, 90_000);
      expect((await this.#space.get('ConfigMap', name))['data']).toEqual({ version: last });
    }
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.#version += 1;
      const name = TRANSFORMS[this.#version % TRANSFORMS.length] ?? 'shop';
      const nodes = { a: configMap(name, { version: String(this.#version) }) };
      await this.#space.transform(name, inline(nodes));
      await delay(CHURN_MS);
    }
  }
}

/** Runs a story under churn. @returns all requests from its beginning to the time when all is settled */
async function underChurn(space: Space, play: () => Promise<void>): Promise<readonly AuditEntry[]> {
  const audit = await cluster.openAuditLog();
  try {
    const mark = await audit.mark();
    const churn = new Churn(space);
    await space.untilFound('ConfigMap', 'shop');
    await play();
    await churn.end();
    return await audit.since(mark);
  } finally {
    await audit.close();
  }
}

/** Fails where anybody but these wrote, in another order than this, or without the Lease. */
async function expectTurns(entries: readonly AuditEntry[], ...operators: readonly Operator[]): Promise<void> {
  const expected = await Promise.all(operators.map((one) => one.credential()));
  expect({ turns: turnsOf(writesOf(entries)), strays: straysOf(entries) }).toEqual({
    turns: expected,
    strays: [],
  });
}

story(
  'the other one works on when the leader is killed',
  async ({ space }) => {
    const leader = running.operator;
    const follower = await startOther('ishmael');
    const entries = await underChurn(space, async () => {
      await leader.kill9();
      await untilHeldBy('ishmael');
    });
    await expectTurns(entries, leader, follower);
  },
  TIMEOUT_MS,
);

story(
  'a leader that is asked to stop gives the lease back, and the other one works on at once',
  async ({ space }) => {
    const leader = running.operator;
    const follower = await startOther('ishmael');
    const entries = await underChurn(space, async () => {
      await leader.stop();
      await untilHeldBy('ishmael');
    });
    await expectTurns(entries, leader, follower);
    // Nobody had to wait for its end: the lease was given back, with nobody's name.
    expect(leader.log).toContain('"type":"released"');
  },
  TIMEOUT_MS,
);

story(
  'a leader that was paused for longer than its lease writes nothing more, and ends',
  async ({ space }) => {
    const leader = running.operator;
    const follower = await startOther('ishmael');
    const entries = await underChurn(space, async () => {
      leader.pause();
      await untilHeldBy('ishmael');
      await space.untilTransform('shop', 'is written by the other one', () => true);
      leader.resume();
      expect(await leader.ended).toBe('ended with code 1');
    });
    await expectTurns(entries, leader, follower);
    expect(leader.log).toMatch(/"level":"fatal".*LEASE_LOST/);
  },
  TIMEOUT_MS,
);

story(
  'a lease that somebody deletes is made again by its holder',
  async ({ space }) => {
    const leader = running.operator;
    const follower = await startOther('ishmael');
    const entries = await underChurn(space, async () => {
      for (let times = 0; times < 3; times += 1) {
        await cluster.kubectl(['-n', LEASE.namespace, 'delete', 'lease', LEASE.name]);
        await until('the lease is there again', findHolder, (name) => name === 'ahab');
      }
    });
    await expectTurns(entries, leader);
    expect([leader.isRunning, follower.isRunning]).toEqual([true, true]);
  },
  TIMEOUT_MS,
);

story(
  'a leader whose lease somebody has taken by hand ends, and the other one works on when that lease has expired',
  async ({ space }) => {
    const leader = running.operator;
    const follower = await startOther('ishmael');
    const entries = await underChurn(space, async () => {
      const patch = JSON.stringify({ spec: { holderIdentity: 'thief_1' } });
      await cluster.kubectl([
        '-n',
        LEASE.namespace,
        'patch',
        'lease',
        LEASE.name,
        '--type=merge',
        '-p',
        patch,
      ]);
      expect(await leader.ended).toBe('ended with code 1');
      await untilHeldBy('ishmael');
    });
    expect(turnsOf(writesOf(entries))).toEqual([await leader.credential(), await follower.credential()]);
    expect(leader.log).toMatch(/"level":"fatal".*LEASE_LOST/);
  },
  TIMEOUT_MS,
);

story(
  'of three, one works: whoever is left takes over, twice in a row',
  async ({ space }) => {
    const leader = running.operator;
    const followers = new Map<string, Operator>();
    for (const name of ['ishmael', 'queequeg']) followers.set(name, await startOther(name));
    const order = [leader];
    const entries = await underChurn(space, async () => {
      for (let times = 0; times < 2; times += 1) {
        await order.at(-1)?.kill9();
        const name = await untilHeldBy(...followers.keys());
        const next = followers.get(name);
        if (next === undefined) throw new Error(`${name} was never started`);
        followers.delete(name);
        order.push(next);
        // What it finds is not what it leaves: it has written before the next one is ended.
        const found = JSON.stringify((await space.get('ConfigMap', 'shop'))['data']);
        await space.untilFound('ConfigMap', 'shop', ({ data }) => JSON.stringify(data) !== found);
      }
    });
    await expectTurns(entries, ...order);
  },
  TIMEOUT_MS,
);

const needed = needs('faketime');

story.skipIf(needed.isMissing)(
  `wall clocks that jump by hours change nothing${needed.note}`,
  async ({ space }) => {
    const clocks = [await WallClock.make(), await WallClock.make()] as const;
    await running.operator.stop();
    try {
      const leader = await startOther('starbuck', clocks[0].environment);
      await untilHeldBy('starbuck');
      const follower = await startOther('stubb', clocks[1].environment);
      const entries = await underChurn(space, async () => {
        for (const [forward, back] of [
          [3_600, -3_600],
          [-3_600, 3_600],
        ] as const) {
          await clocks[0].jump(forward);
          await clocks[1].jump(back);
          await renewals(leader, 3 * DURATION_S);
        }
      });
      await expectTurns(entries, leader);
      expect([leader.isRunning, follower.isRunning]).toEqual([true, true]);
      expect(await holder()).toBe('starbuck');
    } finally {
      await Promise.all(others.splice(0).map((one) => one.release()));
      for (const clock of clocks) await clock.remove();
    }
  },
  TIMEOUT_MS,
);

/** Waits until the Lease has been renewed so often: by its versions, since its times may be wrong. */
async function renewals(leader: Operator, times: number): Promise<void> {
  const seen = new Set<string>();
  await until(
    'the lease is renewed',
    async () => {
      const { metadata } = await adminClient().get(LEASES, LEASE, AbortSignal.timeout(CALL_TIMEOUT_MS));
      seen.add(metadata.resourceVersion ?? '');
      return seen.size;
    },
    (size) => size > times || !leader.isRunning,
    90_000,
  );
}
