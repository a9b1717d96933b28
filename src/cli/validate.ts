import { Command } from 'commander';
import { isResolvedNode } from '../api/index.ts';
import { checkStdin, withPlaceOptions } from './offline-flags.ts';
import { type OfflineFlags, renderOrFail } from './report.ts';
import { type Terminal, write } from './terminal.ts';
import { readTransformFile } from './transform-file.ts';

interface ValidateFlags extends OfflineFlags {
  readonly filename: string;
}

export function validateCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('validate')
    .requiredOption('-f, --filename <file>', 'file with one Transform; - is standard input')
    .option('--module-dir <folder>', 'folder of the module, in place of where the Transform says that it is')
    .option('--observed <file>', 'YAML or JSON of live values, by node id and export')
    .action(async (flags: ValidateFlags) => {
      checkStdin(flags);
      const file = await readTransformFile(flags.filename, terminal.stdin);
      const rendered = await renderOrFail(file, flags, terminal, signal);
      const { name } = file.transform.metadata;
      const count = rendered.nodes.length;
      const waiting = rendered.nodes.filter((node) => !isResolvedNode(node)).length;
      await write(
        terminal.stdout,
        `Transform ${name} is valid: ${count} ${count === 1 ? 'node' : 'nodes'}${waiting === 0 ? '' : `, of which ${waiting} wait for live values`}\n`,
      );
    });
  return withPlaceOptions(command);
}
