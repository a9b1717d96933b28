// How long a render takes, against two yardsticks of the same run: the evaluator's own code compiled natively, and a
// process of `cue export`. The three take turns, in blocks, since the machine is never the same for long.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEvaluatorPool, Renderer } from '../../src/render/index.ts';
import type { Measured } from '../support/measured.ts';
import type { Report } from '../support/progress.ts';
import { median, rounded, spread } from '../support/statistics.ts';
import { CueExport } from './cue-export.ts';
import { type Evaluation, NativeTwin, RecordingEvaluator } from './native-twin.ts';
import { loadWorkload, type Workload } from './workload.ts';

export interface RenderOptions {
  readonly rounds: number;
  readonly rendersPerRound: number;
}

/** Medians; `ratio` is the median of the rounds' ratios of warm to native. */
export interface RenderFigures {
  /** First render of a module in a worker that has rendered nothing yet. */
  readonly coldMs: number;
  /** As in the operator: input to nodes, policies included, through the worker. */
  readonly warmMs: number;
  /** The evaluations of such a render by the same code compiled natively. */
  readonly nativeWarmMs: number;
  readonly ratio: number;
  readonly cueExportMs: number;
}

const COLD_POOLS = 5;
const WARMUP_RENDERS = 50;
const EXPORTS_PER_ROUND = 3;

interface Round {
  readonly warmMs: number;
  readonly nativeMs: number;
  readonly exportMs: number;
}

export async function measureRender(
  options: RenderOptions,
  report: Report,
  signal: AbortSignal,
): Promise<Measured<RenderFigures>> {
  const directory = await mkdtemp(join(tmpdir(), 'pequod-bench-'));
  try {
    const workload = await loadWorkload(signal);
    report('building the native evaluator and the cue command');
    const cueExport = await CueExport.prepare(directory, workload, signal);
    const native = await NativeTwin.start(directory, signal);
    try {
      const coldMs = await measureCold(workload, signal);
      report(`cold: ${coldMs.map((ms) => ms.toFixed(1)).join(', ')} ms`);
      const rounds = await measureRounds(workload, native, cueExport, options, report, signal);
      return { figures: figuresOf(coldMs, rounds, report), details: { coldMs, rounds } };
    } finally {
      await native.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Each in a pool of its own, whose worker is started but has seen no module. */
async function measureCold(workload: Workload, signal: AbortSignal): Promise<readonly number[]> {
  const times: number[] = [];
  for (let n = 0; n < COLD_POOLS; n += 1) {
    const pool = await createEvaluatorPool({ maxWorkers: 1 });
    try {
      await pool.format('package started', 'started.cue');
      const { library } = workload;
      const renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
      times.push(await timed(() => renderOnce(renderer, workload, n, signal)));
    } finally {
      await pool.close();
    }
  }
  return times;
}

async function measureRounds(
  workload: Workload,
  twin: NativeTwin,
  cueExport: CueExport,
  options: RenderOptions,
  report: Report,
  signal: AbortSignal,
): Promise<readonly Round[]> {
  const pool = await createEvaluatorPool({ maxWorkers: 1 });
  try {
    const evaluator = new RecordingEvaluator(pool);
    const { library } = workload;
    const renderer = new Renderer({ evaluator, evaluatorVersion: pool.version.sha256, library });
    let n = 0;
    const block = async (renders: number): Promise<Pick<Round, 'nativeMs' | 'warmMs'>> => {
      const warm: number[] = [];
      const asked: (readonly Evaluation[])[] = [];
      while (warm.length < renders) {
        n += 1;
        warm.push(await timed(() => renderOnce(renderer, workload, n, signal)));
        asked.push(evaluator.take());
      }
      const native: number[] = [];
      for (const evaluations of asked) {
        let nativeMs = 0;
        for (const evaluation of evaluations) nativeMs += await twin.evaluate(evaluation);
        native.push(nativeMs);
      }
      return { warmMs: median(warm), nativeMs: median(native) };
    };
    await block(WARMUP_RENDERS);
    const rounds: Round[] = [];
    while (rounds.length < options.rounds) {
      signal.throwIfAborted();
      const times = await block(options.rendersPerRound);
      const exports: number[] = [];
      for (let run = 0; run < EXPORTS_PER_ROUND; run += 1)
        exports.push(await cueExport.run(workload.input(n + run)));
      const round = { ...times, exportMs: median(exports) };
      rounds.push(round);
      report(describe(rounds.length, round));
    }
    return rounds;
  } finally {
    await pool.close();
  }
}

async function renderOnce(
  renderer: Renderer,
  workload: Workload,
  n: number,
  signal: AbortSignal,
): Promise<void> {
  const result = await renderer.render(workload.request(n), signal);
  if (!result.ok) throw result.error;
}

async function timed(action: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await action();
  return performance.now() - startedAtMs;
}

function describe(number: number, { warmMs, nativeMs, exportMs }: Round): string {
  const [warm, native, command] = [warmMs, nativeMs, exportMs].map((ms) => ms.toFixed(2));
  return `round ${number}: warm ${warm} ms, native ${native} ms (${(warmMs / nativeMs).toFixed(1)}x), cue export ${command} ms`;
}

function figuresOf(coldMs: readonly number[], rounds: readonly Round[], report: Report): RenderFigures {
  const ratios = rounds.map(({ warmMs, nativeMs }) => warmMs / nativeMs);
  const [lowest, highest] = spread(ratios);
  report(`warm to native: ${lowest.toFixed(1)} to ${highest.toFixed(1)} over ${rounds.length} rounds`);
  return {
    coldMs: rounded(median(coldMs), 2),
    warmMs: rounded(median(rounds.map(({ warmMs }) => warmMs)), 3),
    nativeWarmMs: rounded(median(rounds.map(({ nativeMs }) => nativeMs)), 3),
    ratio: rounded(median(ratios), 2),
    cueExportMs: rounded(median(rounds.map(({ exportMs }) => exportMs)), 2),
  };
}
