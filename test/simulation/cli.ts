// `npm run simulate -- --seeds 1000000`: runs that many schedules, says on standard error what was broken and by which
// seed, and ends with one line of JSON. `--seed <n>` replays one schedule.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { runSchedule, type ScheduleReport } from './schedule.ts';
import type { RangeReport, SeedRange } from './worker.ts';

const USAGE = 'usage: simulate --seeds <count> [--from <first seed>] [--workers <threads>] | --seed <seed>';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});

function whole(text: string | undefined): number {
  const number = Number(text);
  if (text === undefined || !Number.isSafeInteger(number) || number < 0) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  return number;
}

function describe({ seed, violations }: ScheduleReport): string {
  const lines = violations.map(({ rule, details }) => `  broken: ${rule} (${details})`);
  return [`seed ${seed}:`, ...lines, `  replay: npm run simulate -- --seed ${seed}`, ''].join('\n');
}

async function runRange(range: SeedRange, onReport: (report: RangeReport) => void): Promise<void> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: range });
  worker.on('message', onReport);
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`)),
    );
  });
}

async function simulate(from: number, count: number, workers: number): Promise<number> {
  const startedAtMs = performance.now();
  let [schedules, violations] = [0, 0];
  const share = Math.max(1, Math.ceil(count / workers));
  const ranges: SeedRange[] = [];
  for (let at = from; at < from + count; at += share)
    ranges.push({ from: at, to: Math.min(from + count, at + share) });
  const onReport = (report: RangeReport): void => {
    schedules += report.schedules;
    violations += report.broken.length;
    for (const broken of report.broken) process.stderr.write(describe(broken));
    if (process.stderr.isTTY) process.stderr.write(`\r${schedules} of ${count}`);
  };
  await Promise.all(ranges.map((range) => runRange(range, onReport)));
  const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ schedules, violations, seconds })}\n`);
  return violations === 0 ? 0 : 1;
}

if (values.seed === undefined) {
  process.exitCode = await simulate(
    whole(values.from),
    whole(values.seeds),
    Math.max(1, whole(values.workers)),
  );
} else {
  const report = runSchedule(whole(values.seed));
  if (report.violations.length > 0) process.stderr.write(describe(report));
  const { events, crashes, violations } = report;
  process.stdout.write(
    `${JSON.stringify({ schedules: 1, violations: violations.length, events, crashes })}\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
