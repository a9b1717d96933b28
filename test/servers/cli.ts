// Makes or installs the programs that tests of module sources run, so that no test waits for a build:
//   node test/servers/cli.ts
import { ensureCue, ensureOrasTool, ensureRegistry, installSystemPrograms } from './index.ts';

await installSystemPrograms((line) => void process.stdout.write(`${line}\n`));
for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
