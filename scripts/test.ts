// One vitest run over every project, closed by a line that says in plain words how many tests passed and failed: from
// vitest's own JSON report, so that a run that breaks off, or runs nothing, can't look like a good one.
import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { readReport, summarise } from './test-report.ts';

const REPORT = '.cache/vitest.json';

await mkdir('.cache', { recursive: true });
await rm(REPORT, { force: true });
const exitCode = await runVitest([
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${REPORT}`,
  ...process.argv.slice(2),
]);
const summary = summarise(await readReport(REPORT), exitCode);
process.stdout.write(`${summary.text}\n`);
process.exitCode = summary.isGood ? 0 : 1;

function runVitest(args: readonly string[]): Promise<number> {
  const child = spawn('vitest', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  // A terminal's Ctrl-C reaches vitest too; wait for it to clean up and end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
