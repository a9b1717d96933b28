// The executor under random graphs, latencies, failures, crashes and changes. A few thousand schedules run here; more
// with `npm run simulate -- --seeds <count>`.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../simulation/mutations.ts';
import { runSchedule } from '../simulation/schedule.ts';

const SCHEDULES = 3_000;
const MOST_SEEDS = 20_000;
const TIMEOUT_MS = 180_000;

describe('the executor in simulation', () => {
  it('keeps every rule in every schedule', { timeout: TIMEOUT_MS }, () => {
    let crashes = 0;
    for (let seed = 0; seed < SCHEDULES; seed += 1) {
      const report = runSchedule(seed);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      crashes += report.crashes;
    }
    expect(crashes).toBeGreaterThan(SCHEDULES / 10);
  });

  it('ends with one line of JSON, as the page shows it', { timeout: TIMEOUT_MS }, async () => {
    const page = await readFile('docs/simulator.md', 'utf8');
    const seeds = /npm run simulate -- --seeds (\d+)\n/.exec(page)?.[1] ?? '';
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['test/simulation/cli.ts', '--seeds', seeds]);
    expect(JSON.parse(stdout)).toEqual({
      schedules: Number(seeds),
      violations: 0,
      seconds: expect.any(Number),
    });
  });

  it('does the same again for the same seed', () => {
    expect(runSchedule(7)).toEqual(runSchedule(7));
    expect(runSchedule(7).events).not.toBe(runSchedule(8).events);
  });

  it.each(MUTATIONS)('finds an operator that is broken: %s', { timeout: TIMEOUT_MS }, (mutation) => {
    let seed = 0;
    while (seed < MOST_SEEDS && runSchedule(seed, mutation).violations.length === 0) seed += 1;
    expect(runSchedule(seed, mutation).violations).not.toEqual([]);
    expect(runSchedule(seed).violations).toEqual([]);
  });
});
