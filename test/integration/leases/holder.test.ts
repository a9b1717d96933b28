// One Lease on a real API server: had, kept, given back, deleted and rewritten by hand, and what becomes of it when the
// server is silent.
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import { isJsonObject } from '../../../src/json/index.ts';
import { kubeconfigConfig, LEASES, OperatorClient } from '../../../src/kube/index.ts';
import { type LeaseCallReport, type LeaseEvent, LeaseHolder } from '../../../src/leases/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { eventually } from '../eventually.ts';
import { type Behind, behindProxy } from '../faults/behind-proxy.ts';
import { soon } from '../kube/cluster.ts';

const TIMINGS = { durationMs: 6_000, renewDeadlineMs: 4_000, retryPeriodMs: 300 };

interface Held {
  readonly holder: LeaseHolder;
  readonly events: LeaseEvent[];
  readonly calls: LeaseCallReport[];
}

let behind: Behind;
/** Gives up a call as early as the operator does. */
let leases: OperatorClient;
beforeAll(async () => {
  behind = await behindProxy(inject('controlPlane'));
  const serviceAccount = { namespace: behind.namespace, name: 'operator' };
  leases = new OperatorClient({
    config: await kubeconfigConfig({ path: await behind.proxy.kubeconfigFor({ serviceAccount }) }),
    version: 'test',
    log: silentLogger(),
    now: Date.now,
    timeoutMs: TIMINGS.renewDeadlineMs / 2,
  });
});
afterAll(async () => {
  await leases.close();
  await behind[Symbol.asyncDispose]();
});

function hold(
  name: string,
  identity: string,
  { client = leases, namespace = behind.namespace }: { client?: OperatorClient; namespace?: string } = {},
): Held {
  const calls: LeaseCallReport[] = [];
  const holder = new LeaseHolder({
    ...{ client, namespace, name, identity, labels: {}, timings: TIMINGS },
    log: silentLogger(),
    wallNow: Date.now,
    onCall: (call) => calls.push(call),
  });
  const events: LeaseEvent[] = [];
  holder.onEvent((event) => events.push(event));
  onTestFinished(() => holder.stop());
  holder.acquire();
  return { holder, events, calls };
}

async function lease(name: string): Promise<KubeObject> {
  return await behind.admin.get(LEASES, { namespace: behind.namespace, name }, soon());
}

async function specOf(name: string): Promise<unknown> {
  return (await lease(name))['spec'];
}

/** Waits for so many renewals more. */
async function untilRenewed({ calls }: Held, times: number): Promise<void> {
  const isRenewal = ({ purpose, result }: LeaseCallReport): boolean =>
    purpose === 'renew' && result === 'stored';
  const before = calls.filter(isRenewal).length;
  await eventually(() => expect(calls.filter(isRenewal).length).toBeGreaterThanOrEqual(before + times));
}

/** Waits until it has looked, and found that another has it. */
async function untilSeen({ calls }: Held): Promise<void> {
  await eventually(() => expect(calls.map(({ result }) => result)).toContain('found'));
}

test('it is made, renewed, given back, and had by the next one, who waits for nothing', async () => {
  const one = hold('plain', 'one');
  await eventually(() => expect(one.holder.isHeld).toBe(true));
  expect(await specOf('plain')).toMatchObject({
    holderIdentity: 'one',
    leaseDurationSeconds: 6,
    leaseTransitions: 0,
  });
  const other = hold('plain', 'other');
  await untilSeen(other);
  await untilRenewed(one, 3);
  expect(other.holder.isHeld).toBe(false);

  await one.holder.release();
  expect(one.events.map(({ type }) => type)).toEqual(['gained', 'released']);
  await eventually(() => expect(other.holder.isHeld).toBe(true), TIMINGS.renewDeadlineMs);
  expect(await specOf('plain')).toMatchObject({ holderIdentity: 'other', leaseTransitions: 1 });
});

test('deleted by hand, it is made again by its holder, while who knew of it still waits', async () => {
  const one = hold('deleted', 'one');
  await eventually(() => expect(one.holder.isHeld).toBe(true));
  const other = hold('deleted', 'other');
  await untilSeen(other);
  const { uid } = (await lease('deleted')).metadata;
  const options = { propagationPolicy: 'Background' } as const;
  await behind.admin.delete(LEASES, { namespace: behind.namespace, name: 'deleted' }, options, soon());
  await eventually(async () => expect((await lease('deleted')).metadata.uid).not.toBe(uid));
  await untilRenewed(one, 2);
  expect(await specOf('deleted')).toMatchObject({ holderIdentity: 'one' });
  expect(one.events.map(({ type }) => type)).toEqual(['gained']);
  expect(other.events).toEqual([]);
});

test('with the name of another in it, it is lost', async () => {
  const one = hold('stolen', 'one');
  await eventually(() => expect(one.holder.isHeld).toBe(true));
  await eventually(async () => {
    const stored = await lease('stolen');
    const spec = isJsonObject(stored['spec']) ? stored['spec'] : {};
    await behind.admin.update(LEASES, { ...stored, spec: { ...spec, holderIdentity: 'thief' } }, {}, soon());
  });
  await eventually(() => expect(one.events.at(-1)).toEqual({ type: 'lost', lease: 'stolen', why: 'taken' }));
  expect(one.holder.isHeld).toBe(false);
  expect(await specOf('stolen')).toMatchObject({ holderIdentity: 'thief' });
});

test('while the server is silent it is held no longer than its deadline; asked to give it back, that does not hang', async () => {
  const [one, leaving] = [hold('silent', 'one'), hold('leaving', 'leaving')];
  await eventually(() => expect([one.holder.isHeld, leaving.holder.isHeld]).toEqual([true, true]));
  const heal = behind.proxy.inject({
    matches: ({ name }) => name === 'silent' || name === 'leaving',
    fault: { type: 'no-answer' },
    times: Number.POSITIVE_INFINITY,
  });
  onTestFinished(heal);
  await leaving.holder.release();
  expect(leaving.events.map(({ type }) => type)).toEqual(['gained', 'released']);
  await eventually(() =>
    expect(one.events.at(-1)).toEqual({ type: 'lost', lease: 'silent', why: 'expired' }),
  );
  expect(one.holder.isHeld).toBe(false);
});

test('where its namespace is missing, that is said, and tried again as seldom as any failure', async () => {
  const one = hold('nowhere', 'one', { client: behind.admin, namespace: 'no-such-namespace' });
  await eventually(() => expect(one.holder.health()).toMatch(/nowhere can't be had: .*no-such-namespace/));
  expect(one.calls.map(({ purpose, result }) => `${purpose} ${result}`).slice(0, 2)).toEqual([
    'look found',
    'take failed',
  ]);
  await one.holder.release();
});
