// `npm run faults -- crash --all`: the points of a campaign, on a control plane of its own. Differences and progress go to
// standard error; the last line on standard output is JSON. See docs/reliability.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withCluster } from '../../bench/support/cluster.ts';
import { type CampaignResult, describeDifference, runCampaign } from './campaign-run.ts';
import { CAMPAIGNS, type Campaign } from './campaigns/index.ts';
import { withGround } from './ground.ts';
import type { Done } from './points.ts';
import { SCENARIOS, type Scenario } from './scenarios/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const USAGE = `usage: faults ${CAMPAIGNS.map(({ name }) => name).join('|')}
  --scenario ${SCENARIOS.map(({ name }) => name).join('|')} (repeatable) | --all
  [--every <n>]     only every n-th point
  [--point <id>]    only this point of the scenario
  [--seed <n>]      of the points that are chosen at random (1)
  [--lanes <n>]     runs side by side (6)
  [--program <file>]  the operator; by default it is compiled anew into dist/
  [--logs <folder>] keeps the operator's log of each point with a difference
`;
const SILENCE_MS = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', multiple: true },
    all: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    point: { type: 'string' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '6' },
    program: { type: 'string' },
    logs: { type: 'string' },
  },
});

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interruption.abort(new Error(`received ${name}`)));

function refuse(): never {
  process.stderr.write(USAGE);
  process.exit(2);
}

function positive(text: string): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number > 0 ? number : refuse();
}

function say(line: string): void {
  process.stderr.write(`faults: ${line}\n`);
}

function chosenCampaign(): Campaign {
  return CAMPAIGNS.find(({ name }) => positionals.length === 1 && name === positionals[0]) ?? refuse();
}

function chosenScenarios(): readonly Scenario[] {
  if (values.all) return SCENARIOS;
  const names = values.scenario ?? refuse();
  return names.map((wanted) => SCENARIOS.find(({ name }) => name === wanted) ?? refuse());
}

async function compiledProgram(): Promise<string> {
  const build = spawn(process.execPath, [join(ROOT, 'scripts/build.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(build, 'close');
  if (code !== 0) throw new Error('the operator does not compile');
  return join(ROOT, 'dist/src/cli/pequod.js');
}

async function report(done: Done): Promise<void> {
  const { campaign, scenario, point, reached, lines, logPath, seconds } = done;
  const what = reached ?? 'came to no such call';
  say(`${campaign} ${scenario} ${point}: ${lines.length === 0 ? 'ok' : 'DIFFERS'} in ${seconds} s: ${what}`);
  if (lines.length === 0) return;
  process.stderr.write(describeDifference(done));
  if (values.logs === undefined || logPath === undefined) return;
  await mkdir(values.logs, { recursive: true });
  await copyFile(logPath, join(values.logs, `${campaign}-${scenario}-${point}.log`));
}

async function run(campaign: Campaign, scenarios: readonly Scenario[]): Promise<CampaignResult> {
  const { signal } = interruption;
  const program = values.program === undefined ? await compiledProgram() : resolve(values.program);
  return await withCluster({ hasAudit: false }, say, signal, async ({ admin, controlPlane }) =>
    withGround({ controlPlane, admin, program, signal }, (ground) =>
      runCampaign(ground, campaign, scenarios, {
        lanes: positive(values.lanes),
        every: positive(values.every),
        point: values.point,
        seed: positive(values.seed),
        silenceMs: SILENCE_MS,
        onDone: report,
      }),
    ),
  );
}

const campaign = chosenCampaign();
const scenarios = chosenScenarios();
const startedAtMs = performance.now();
const { points, skipped, differences, noise } = await run(campaign, scenarios);
for (const line of noise) say(line);
const found = differences.length + noise.length;
const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
process.stdout.write(`${JSON.stringify({ points, skipped, differences: found, seconds })}\n`);
process.exitCode = found === 0 && skipped === 0 ? 0 : 1;
