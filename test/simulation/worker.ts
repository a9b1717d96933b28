// Runs a range of seeds in a thread of its own and reports now and then.
import { parentPort, workerData } from 'node:worker_threads';
import { runSchedule, type ScheduleReport } from './schedule.ts';

export interface SeedRange {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

export interface RangeReport {
  readonly schedules: number;
  /** Those in which a rule was broken. */
  readonly broken: readonly ScheduleReport[];
}

const REPORT_EVERY = 2_000;

function isSeedRange(value: unknown): value is SeedRange {
  return typeof value === 'object' && value !== null && 'from' in value && 'to' in value;
}

const range: unknown = workerData;
if (!isSeedRange(range)) throw new Error('this thread needs a range of seeds');
let broken: ScheduleReport[] = [];
let schedules = 0;
for (let seed = range.from; seed < range.to; seed += 1) {
  const report = runSchedule(seed);
  schedules += 1;
  if (report.violations.length > 0) broken.push(report);
  if (schedules === REPORT_EVERY || seed === range.to - 1) {
    const message: RangeReport = { schedules, broken };
    parentPort?.postMessage(message);
    schedules = 0;
    broken = [];
  }
}
