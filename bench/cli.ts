// Command line of the benchmarks:
//   node bench/cli.ts calls                what the operator asks of the API server, counted in its audit log
//   node bench/cli.ts render               how long a render takes, against the same code natively and `cue export`
//   node bench/cli.ts graph                one Transform of a thousand objects: calls, and time against plain applies
//   node bench/cli.ts drift                ten thousand edits and deletions by someone else, each to be taken back
//   node bench/cli.ts failover             how long nobody works when the leader of two is stopped or killed
//   node bench/cli.ts poison --count 1000  Transforms that no schema lets through, among many good ones
//   node bench/cli.ts converge --count 100 how long many Transforms take, against plain applies of their objects
//   node bench/cli.ts soak --minutes 30    a long bad day: changes and faults all along; does it grow, is it right after?
//   node bench/cli.ts sources --count 5000 what many Transforms of one module ask of its registry
//   node bench/cli.ts settled --count 5000 what many settled Transforms cost: restart, memory, watches, latency beside them
//   node bench/cli.ts kills --count 500     what evaluations that are stopped by force leave behind
//   node bench/cli.ts outage --seconds 1 60 what becomes of the operator whose API server goes away
// Each starts what it needs and stops it again. Standard output gets one line of JSON, standard error everything else.
// Another process that works on the same cores is in the figures too: run them on a quiet machine.
import { Command, InvalidArgumentError, Option } from 'commander';
import { measureCalls } from './calls/calls.ts';
import { measureConverge } from './converge/converge.ts';
import { type DriftOptions, measureDrift } from './drift/drift.ts';
import { measureFailover } from './failover/failover.ts';
import { measureGraph } from './graph/graph.ts';
import { SHAPES, type Shape } from './graph/shapes.ts';
import { measureKills } from './kills/kills.ts';
import { measureOutages } from './outage/outage.ts';
import { measurePoison } from './poison/poison.ts';
import { measureRender } from './render/render.ts';
import type { PopulationShape } from './settled/population.ts';
import { measureSettled } from './settled/settled.ts';
import { measureSoak, SHORTEST_SOAK_MINUTES, type SoakOptions } from './soak/soak.ts';
import { measureSources } from './sources/sources.ts';
import { type Measured, saveResult } from './support/measured.ts';
import { reportToStderr } from './support/progress.ts';
import type { ModuleChoice } from './support/workload.ts';

/** Lengths of outages. */
const DEFAULT_SECONDS: readonly number[] = [1, 60, 300];

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new Error(`received ${name}`)));
}

const program = new Command('bench').description('Benchmarks of Pequod; see docs/performance.md');

program
  .command('calls')
  .description('what the operator asks of the API server')
  .option('--settled <n>', 'Transforms when the operator is restarted', wholeNumber, 50)
  .option('--idle <seconds>', 'how long nothing may happen', wholeNumber, 60)
  .option('--save', 'write the figures to bench/results')
  .action(async (options: { readonly settled: number; readonly idle: number; readonly save?: boolean }) => {
    const { settled, idle } = options;
    const measured = await measureCalls(
      { settled, idleMs: idle * 1000 },
      reportToStderr,
      interruption.signal,
    );
    await finish('calls', measured, options.save);
  });

program
  .command('render')
  .description('how long a render takes')
  .option('--rounds <n>', 'rounds, of which medians are taken', wholeNumber, 15)
  .option('--renders <n>', 'renders in a round', wholeNumber, 20)
  .option('--save', 'write the figures to bench/results')
  .action(async (options: { readonly rounds: number; readonly renders: number; readonly save?: boolean }) => {
    const { rounds, renders: rendersPerRound } = options;
    const measured = await measureRender({ rounds, rendersPerRound }, reportToStderr, interruption.signal);
    await finish('render', measured, options.save);
  });

interface GraphFlags {
  readonly nodes: number;
  readonly rounds: number;
  readonly shape?: Shape;
  readonly cpuProf?: string;
  readonly save?: boolean;
}

program
  .command('graph')
  .description('calls and time of one Transform with many objects: a chain, and independent ones')
  .option('--nodes <n>', 'objects', wholeNumber, 1000)
  .option('--rounds <n>', 'rounds, of which medians are taken', wholeNumber, 3)
  .addOption(new Option('--shape <name>', 'one shape only').choices(SHAPES))
  .option('--cpu-prof <folder>', 'write a CPU profile of the operator')
  .option('--save', 'write the figures to bench/results')
  .action(async ({ nodes, rounds, shape, cpuProf, save }: GraphFlags) => {
    const shapes = shape === undefined ? SHAPES : [shape];
    const options = { nodes, rounds, shapes, profileDirectory: cpuProf };
    await finish('graph', await measureGraph(options, reportToStderr, interruption.signal), save);
  });

program
  .command('drift')
  .description('random edits and deletions of objects by another client: is each taken back, and how soon')
  .option('--changes <n>', 'edits and deletions', wholeNumber, 10_000)
  .option('--seed <n>', 'seed of what happens to which', wholeNumber, 1)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ save, ...options }: DriftOptions & { readonly save?: boolean }) => {
    await finish('drift', await measureDrift(options, reportToStderr, interruption.signal), save);
  });

interface ConvergeFlags {
  readonly count: number;
  readonly rounds: number;
  readonly module: ModuleChoice;
  readonly audit?: boolean;
  readonly cpuProf?: string;
  readonly operatorFlag: readonly string[];
  readonly save?: boolean;
}

program
  .command('converge')
  .description('how long many Transforms of five objects take')
  .option('--count <n>', 'Transforms', wholeNumber, 100)
  .option('--rounds <n>', 'rounds, of which medians are taken', wholeNumber, 5)
  .addOption(new Option('--module <name>', 'module').choices(['inline', 'webservice']).default('inline'))
  .option('--audit', 'with an audit log, in both')
  .option('--cpu-prof <folder>', 'write a CPU profile of the operator')
  .option('--operator-flag <flag...>', 'flags of the operator, as --operator-flag=--render-workers=1', [])
  .option('--save', 'write the figures to bench/results')
  .action(async ({ save, audit, cpuProf, operatorFlag, ...options }: ConvergeFlags) => {
    const measured = await measureConverge(
      { ...options, hasAudit: audit === true, profileDirectory: cpuProf, operatorFlags: operatorFlag },
      reportToStderr,
      interruption.signal,
    );
    await finish(`converge-${options.module}-${options.count}`, measured, save);
  });

program
  .command('sources')
  .description('what many Transforms of one module in a registry ask of it')
  .option('--count <n>', 'Transforms', wholeNumber, 5000)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ count, save }: { readonly count: number; readonly save?: boolean }) => {
    await finish('sources', await measureSources({ count }, reportToStderr, interruption.signal), save);
  });

program
  .command('soak')
  .description(
    'a long bad day: changes and faults all along; does the operator grow, is everything right after it?',
  )
  .option('--minutes <n>', 'how long', soakMinutes, 30)
  .option('--transforms <n>', 'Transforms', wholeNumber, 200)
  .option('--rate <n>', 'changes a second', wholeNumber, 5)
  .option('--seed <n>', 'seed of changes and faults', wholeNumber, 1)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ save, ...options }: SoakOptions & { readonly save?: boolean }) => {
    await finish('soak', await measureSoak(options, reportToStderr, interruption.signal), save);
  });

interface SettledFlags {
  readonly count: number;
  readonly objects: PopulationShape;
  readonly rest: number;
  readonly pending: number;
  readonly probes: number;
  readonly save?: boolean;
}

program
  .command('settled')
  .description(
    'what many settled Transforms cost: a restart, memory and CPU, watches; latency of new ones beside them',
  )
  .option('--count <n>', 'Transforms', wholeNumber, 5000)
  .addOption(new Option('--objects <n>', 'objects of each').choices(['two', 'five']).default('five'))
  .option('--rest <seconds>', 'how long nothing may happen', wholeNumber, 180)
  .option('--pending <n>', 'Transforms created at once, for the latency beside them', wholeNumber, 500)
  .option('--probes <n>', 'new Transforms for each latency', wholeNumber, 30)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ save, rest, objects: shape, count, pending, probes }: SettledFlags) => {
    const options = { count, shape, pending, probes, restMs: rest * 1000 };
    await finish(
      `settled-${count}`,
      await measureSettled(options, reportToStderr, interruption.signal),
      save,
    );
  });

program
  .command('kills')
  .description('evaluations that never end, stopped by force: threads, handles and memory afterwards')
  .option('--count <n>', 'evaluations', wholeNumber, 500)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ count, save }: { readonly count: number; readonly save?: boolean }) => {
    await finish('kills', await measureKills({ count }, reportToStderr, interruption.signal), save);
  });

interface OutageFlags {
  readonly seconds: readonly number[];
  readonly settled: number;
  readonly save?: boolean;
}

program
  .command('outage')
  .description('what becomes of the operator whose API server, or the way to it, goes away')
  .option('--seconds <n...>', 'one outage of each length', seconds, DEFAULT_SECONDS)
  .option('--settled <n>', 'Transforms before the first', wholeNumber, 20)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ save, ...options }: OutageFlags) => {
    const kinds = ['server', 'network'] as const;
    const measured = await measureOutages({ ...options, kinds }, reportToStderr, interruption.signal);
    await finish('outage', measured, save);
  });

program
  .command('failover')
  .description('how long nobody works when the leader of two is stopped or killed')
  .option('--stops <n>', 'how often it is asked to stop', wholeNumber, 10)
  .option('--kills <n>', 'how often it is killed', wholeNumber, 5)
  .option('--save', 'write the figures to bench/results')
  .action(async (options: { readonly stops: number; readonly kills: number; readonly save?: boolean }) => {
    const { stops, kills } = options;
    const measured = await measureFailover({ stops, kills }, reportToStderr, interruption.signal);
    await finish('failover', measured, options.save);
  });

program
  .command('poison')
  .description('whether Transforms that no schema lets through keep good ones from converging')
  .option('--count <n>', 'good Transforms', wholeNumber, 1000)
  .option('--save', 'write the figures to bench/results')
  .action(async ({ count, save }: { readonly count: number; readonly save?: boolean }) => {
    const measured = await measurePoison({ good: count }, reportToStderr, interruption.signal);
    await finish('poison', measured, save);
  });

await program.parseAsync();

async function finish(name: string, measured: Measured<object>, isSaved: boolean | undefined): Promise<void> {
  if (isSaved === true) await saveResult(name, measured);
  process.stdout.write(`${JSON.stringify(measured.figures)}\n`);
}

/** Collects the values of a flag that takes several. */
function seconds(text: string, before: readonly number[] | undefined): readonly number[] {
  return before === undefined || before === DEFAULT_SECONDS
    ? [wholeNumber(text)]
    : [...before, wholeNumber(text)];
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1 to 99999');
}

function soakMinutes(text: string): number {
  const minutes = wholeNumber(text);
  if (minutes >= SHORTEST_SOAK_MINUTES) return minutes;
  throw new InvalidArgumentError(`expected ${SHORTEST_SOAK_MINUTES} at least: the first rounds do not count`);
}
