// Evaluations that never end, one after another in each of two workers, each stopped by force at its deadline: what is left
// of their threads, handles and memory while the pool lives, and after it is closed; and whether good modules are answered.
import { readdir } from 'node:fs/promises';
import { CuePool } from 'cuelang-wasm';
import type { Measured } from '../support/measured.ts';
import type { Report } from '../support/progress.ts';

export interface KillsOptions {
  readonly count: number;
}

export interface KillsFigures {
  readonly kills: number;
  /** Good modules between them that got a wrong answer, or none. */
  readonly wrong: number;
  /** Threads beyond those of before, with the pool at rest and after its end. */
  readonly threadsLeft: number;
  readonly threadsAfterClose: number;
  /** Handles of workers and their ports beyond those of before, after the end. */
  readonly handlesAfterClose: number;
  /** Resident memory from a tenth of the kills to their end, in MiB. */
  readonly growthMib: number;
}

const WORKERS = 2;
const DEADLINE_MS = 50;
const GOOD_EVERY = 10;
const MIB = 2 ** 20;
const QUERIES = [{ type: 'export', path: 'x' }] as const;
const RUNAWAY = {
  id: 'runaway',
  files: {
    'a.cue':
      'import "list"\nx: len([for a in list.Range(0, 1000, 1) for b in list.Range(0, 1000000, 1) if b < 0 {a}])',
  },
};
const GOOD = { id: 'good', files: { 'a.cue': 'x: 1 + 1' } };

export async function measureKills(
  { count }: KillsOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<KillsFigures>> {
  const before = { threads: await threads(), handles: handles() };
  const pool = await CuePool.create({ maxWorkers: WORKERS });
  const rss: number[] = [];
  let started = 0;
  let kills = 0;
  let wrong = 0;
  try {
    await isAnswered(pool, signal);
    const atRest = await threads();
    const work = async (): Promise<void> => {
      while (started < count) {
        started += 1;
        const isGoodsTurn = started % GOOD_EVERY === 0;
        const outcome = await pool.evaluate(
          { module: RUNAWAY, queries: QUERIES },
          { deadlineMs: DEADLINE_MS, signal },
        );
        if (!outcome.ok && outcome.errors[0]?.limit === 'deadline') kills += 1;
        rss.push(process.memoryUsage().rss);
        if (isGoodsTurn && !(await isAnswered(pool, signal))) wrong += 1;
        if (started % 100 === 0) report(`${started} of ${count}`);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    await isAnswered(pool, signal);
    const threadsLeft = (await threads()) - atRest;
    await pool.close();
    const growth = (rss.at(-1) ?? 0) - (rss[Math.floor(rss.length / 10)] ?? 0);
    const figures = {
      kills,
      wrong,
      threadsLeft,
      threadsAfterClose: (await threads()) - before.threads,
      handlesAfterClose: handles() - before.handles,
      growthMib: Math.round(growth / MIB),
    };
    return { figures, details: { count, rssMib: rss.map((bytes) => Math.round(bytes / MIB)) } };
  } finally {
    await pool.close();
  }
}

async function isAnswered(pool: CuePool, signal: AbortSignal): Promise<boolean> {
  const outcome = await pool.evaluate({ module: GOOD, queries: QUERIES }, { deadlineMs: 60_000, signal });
  return outcome.ok && outcome.results[0]?.json === '2';
}

async function threads(): Promise<number> {
  return (await readdir('/proc/self/task')).length;
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name)).length;
}
