// How long nobody works when the operator that does goes away: from the signal to the first write of the other one, which is
// the moment at which the API server got it, by its audit log. Somebody changes a Transform all the time, so that there
// always is something to write. With the timings that everybody has, and a successor that has said at /readyz that it is
// ready, as a rolling update waits for.
import { setTimeout as delay } from 'node:timers/promises';
import { configMap, inline } from '../../e2e/support/modules.ts';
import { Operator } from '../../e2e/support/operator.ts';
import { leaseWritesOf, writesOf } from '../../e2e/support/writers.ts';
import { API_VERSION, TRANSFORM_KIND } from '../../src/api/index.ts';
import { isJsonObject } from '../../src/json/index.ts';
import { LEASES, type OperatorClient, TRANSFORMS } from '../../src/kube/index.ts';
import { DEFAULT_LEASE_TIMINGS } from '../../src/leases/index.ts';
import { type AuditLog, choosePort } from '../../test/control-plane/index.ts';
import { withCluster } from '../support/cluster.ts';
import type { Measured } from '../support/measured.ts';
import { createNamespaces, TENANT } from '../support/namespaces.ts';
import type { Report } from '../support/progress.ts';
import { median } from '../support/statistics.ts';

export interface FailoverOptions {
  /** How often the leader is asked to stop. */
  readonly stops: number;
  /** How often it is killed. */
  readonly kills: number;
}

export interface FailoverFigures {
  /** What others wait for when a holder is silent. */
  readonly leaseMs: number;
  /** Where the leader was asked to stop. */
  readonly stopped?: Times;
  /** Where it was killed. */
  readonly killed?: Times;
}

interface Times {
  /** From the signal to the first write of the other one. */
  readonly ms: Summary;
  /** The same from the last renewal of the one that ended, as the API server answered it. */
  readonly sinceRenewalMs: Summary;
  /** From the signal to the call by which the other one took the Lease. */
  readonly takenMs: Summary;
  /** How long that call took: a round trip. */
  readonly takeMs: Summary;
}

interface Summary {
  readonly median: number;
  readonly max: number;
}

type How = 'stop' | 'kill';

interface Round {
  readonly how: How;
  readonly ms: number;
  readonly sinceRenewalMs: number;
  readonly takenMs: number;
  readonly takeMs: number;
  readonly firstWrite: string;
}

interface Replica {
  readonly operator: Operator;
  readonly healthPort: number;
}

interface Stage {
  readonly admin: OperatorClient;
  readonly audit: AuditLog;
  readonly replicas: ReadonlyMap<string, Replica>;
}

const NAMESPACE = 'failover';
const LEASE = { namespace: 'pequod-system', name: 'pequod-shard-1-0' };
const CHURN_MS = 50;
const POLL_MS = 100;
/** A leader has renewed its Lease more than once before it goes away. */
const SETTLE_MS = 2.5 * DEFAULT_LEASE_TIMINGS.retryPeriodMs;
const ROUND_TIMEOUT_MS = 120_000;

export async function measureFailover(
  { stops, kills }: FailoverOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<FailoverFigures>> {
  return await withCluster({ hasAudit: true }, report, signal, async ({ admin, controlPlane }) => {
    const audit = await controlPlane.openAuditLog();
    const replicas = new Map<string, Replica>();
    const ending = new AbortController();
    const ended = AbortSignal.any([signal, ending.signal]);
    const rounds: Round[] = [];
    const play = async (): Promise<void> => {
      for (let n = 0; n < stops + kills; n += 1) {
        const round = await playRound({ admin, audit, replicas }, n < stops ? 'stop' : 'kill', ended);
        rounds.push(round);
        report(JSON.stringify(round));
      }
    };
    try {
      await createNamespaces(admin, [NAMESPACE], signal);
      for (const name of ['one', 'two']) {
        const healthPort = await choosePort();
        const operator = await Operator.start(controlPlane, { flags: flagsOf(name, healthPort) });
        replicas.set(name, { operator, healthPort });
        await untilReady(healthPort, signal);
      }
      await Promise.all([churn(admin, ended), play().finally(() => ending.abort())]);
    } finally {
      ending.abort();
      for (const { operator } of replicas.values()) await operator.release();
      await audit.close();
    }
    return { figures: figuresOf(rounds), details: rounds };
  });
}

/** Ends the leader, and starts it again as a follower when the other one has written. */
async function playRound({ admin, audit, replicas }: Stage, how: How, signal: AbortSignal): Promise<Round> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ROUND_TIMEOUT_MS)]);
  const name = await holder(admin, limit);
  const leader = replicas.get(name);
  const other = [...replicas.entries()].find(([key]) => key !== name)?.[1];
  if (leader === undefined || other === undefined) throw new Error(`the lease is held by ${name}`);
  const [theirs, ours] = [await leader.operator.credential(), await other.operator.credential()];
  const mark = await audit.mark(limit);
  // Anywhere between two renewals.
  await delay(SETTLE_MS + Math.random() * DEFAULT_LEASE_TIMINGS.retryPeriodMs, undefined, { signal: limit });
  const endedAtMs = Date.now();
  const written = async (): Promise<Round> => {
    for (;;) {
      const entries = await audit.since(mark, limit);
      const first = writesOf(entries).find(({ by }) => by === ours);
      const leases = leaseWritesOf(entries).filter(({ what }) => what.endsWith(LEASE.name));
      const taken = leases.find(({ by }) => by === ours);
      const renewed = leases.findLast(({ by, to }) => by === theirs && Date.parse(to) <= endedAtMs);
      if (first !== undefined && taken !== undefined && renewed !== undefined) {
        const atMs = Date.parse(first.from);
        return {
          how,
          ms: atMs - endedAtMs,
          sinceRenewalMs: atMs - Date.parse(renewed.to),
          takenMs: Date.parse(taken.from) - endedAtMs,
          takeMs: Date.parse(taken.to) - Date.parse(taken.from),
          firstWrite: first.what,
        };
      }
      await delay(POLL_MS, undefined, { signal: limit });
    }
  };
  const { operator, healthPort } = leader;
  const [round] = await Promise.all([written(), how === 'stop' ? operator.stop() : operator.kill9()]);
  await operator.restart();
  await untilReady(healthPort, limit);
  return round;
}

async function untilReady(port: number, signal: AbortSignal): Promise<void> {
  while (!(await fetch(`http://127.0.0.1:${port}/readyz`, { signal })).ok) {
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Changes one Transform until `signal` says to stop. */
async function churn(admin: OperatorClient, signal: AbortSignal): Promise<void> {
  const metadata = { namespace: NAMESPACE, name: 'churned' };
  for (let version = 0; !signal.aborted; version += 1) {
    const nodes = { a: configMap('churned', { version: String(version) }) };
    const spec = { serviceAccountName: TENANT, ...inline(nodes) };
    const transform = { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata, spec };
    // The last one is not broken off: an abort would be an error.
    const { signal: never } = new AbortController();
    await admin.apply(TRANSFORMS, transform, { fieldManager: 'bench', force: true }, never);
    await delay(CHURN_MS);
  }
}

async function holder(admin: OperatorClient, signal: AbortSignal): Promise<string> {
  const { spec } = await admin.get(LEASES, LEASE, signal);
  return isJsonObject(spec) ? String(spec['holderIdentity'] ?? '').replace(/_.*/, '') : '';
}

function flagsOf(identity: string, healthPort: number): readonly string[] {
  const namespace = ['--leader-elect-resource-namespace', LEASE.namespace];
  const health = ['--health-address', `127.0.0.1:${healthPort}`];
  return ['--leader-elect', ...namespace, '--leader-elect-identity', identity, ...health];
}

function figuresOf(rounds: readonly Round[]): FailoverFigures {
  const [stopped, killed] = [timesOf(rounds, 'stop'), timesOf(rounds, 'kill')];
  return {
    leaseMs: DEFAULT_LEASE_TIMINGS.durationMs,
    ...(stopped === undefined ? {} : { stopped }),
    ...(killed === undefined ? {} : { killed }),
  };
}

function timesOf(rounds: readonly Round[], how: How): Times | undefined {
  const those = rounds.filter((round) => round.how === how);
  if (those.length === 0) return undefined;
  return {
    ms: summary(those.map(({ ms }) => ms)),
    sinceRenewalMs: summary(those.map(({ sinceRenewalMs }) => sinceRenewalMs)),
    takenMs: summary(those.map(({ takenMs }) => takenMs)),
    takeMs: summary(those.map(({ takeMs }) => takeMs)),
  };
}

function summary(times: readonly number[]): Summary {
  return { median: Math.round(median(times)), max: Math.max(...times) };
}
