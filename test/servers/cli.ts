// Makes or installs the programs that tests of module sources run, so that no test waits for a build:
//   node test/servers/cli.ts
import { ensureCue, ensureOrasTool, ensureRegistry, installSystemPrograms, withoutGo } from './index.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

await installSystemPrograms(say);
const { missing, skipped } = await withoutGo();
if (missing.length === 0) {
  for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
} else {
  say(`SKIPPED: the tests that need ${missing.join(', ')}, which Go makes, and there is no Go here:`);
  for (const file of skipped) say(`  ${file}`);
}
