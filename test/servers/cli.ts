// Makes the programs that tests of module sources run, so that no test waits for a build:
//   node test/servers/cli.ts
import { ensureCue, ensureOrasTool, ensureRegistry } from './index.ts';

for (const ensure of [ensureRegistry, ensureCue, ensureOrasTool]) await ensure();
