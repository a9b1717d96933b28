// `npm run campaign -- --changes 2000 [--seed S]`: that many changes of Transforms, each followed by its revert, against a
// control plane and an operator of its own. Differences and progress go to standard error; the last line is JSON.
// `--change K` makes that one change alone, on a fresh base.
import { parseArgs } from 'node:util';
import { withCluster } from '../../bench/support/cluster.ts';
import { Operator } from '../../e2e/support/operator.ts';
import { describeDifference, runCampaign } from './campaign.ts';
import { installWidgets } from './install.ts';

const USAGE =
  'usage: campaign --changes <count> [--from <first number>] [--seed <seed>] | --change <number> [--seed <seed>]';
/** Longer than the minute after which missing rights are looked at again. */
const LIMIT_MS = 90_000;
const REPORT_EVERY = 50;

const { values } = parseArgs({
  options: {
    changes: { type: 'string' },
    change: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
});

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interruption.abort(new Error(`received ${name}`)));

function whole(text: string | undefined): number {
  const number = Number(text);
  if (text === undefined || !Number.isSafeInteger(number) || number < 0) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  return number;
}

function say(line: string): void {
  process.stderr.write(`campaign: ${line}\n`);
}

async function campaign(seed: number, changes: readonly number[]): Promise<number> {
  const { signal } = interruption;
  return await withCluster({ hasAudit: false }, say, signal, async ({ admin, controlPlane }) => {
    await installWidgets(controlPlane.kubectl);
    const operator = await Operator.start(controlPlane);
    try {
      const startedAtMs = performance.now();
      let done = 0;
      const differences = await runCampaign({
        admin,
        seed,
        changes,
        limitMs: LIMIT_MS,
        signal,
        restartOperator: restarter(operator),
        onDone: (_, difference) => {
          done += 1;
          if (difference !== undefined) process.stderr.write(describeDifference(seed, difference));
          if (done % REPORT_EVERY === 0) say(`${done} of ${changes.length}`);
        },
      });
      const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
      process.stdout.write(
        `${JSON.stringify({ changes: changes.length, differences: differences.length, seconds })}\n`,
      );
      return differences.length;
    } finally {
      await operator.release();
    }
  });
}

/** One restart at a time. */
function restarter(operator: Operator): (how: 'at once' | 'gracefully') => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return async (how) => {
    const next = last.then(async () => {
      if (how === 'at once') await operator.kill9();
      await operator.restart();
    });
    last = next;
    await next;
  };
}

const seed = whole(values.seed);
const from = whole(values.from);
const changes =
  values.change === undefined
    ? Array.from({ length: whole(values.changes) }, (_, at) => from + at)
    : [whole(values.change)];
process.exitCode = (await campaign(seed, changes)) === 0 ? 0 : 1;
