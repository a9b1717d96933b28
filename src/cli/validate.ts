import { Command } from 'commander';
import { renderOrFail } from './report.ts';
import { type Terminal, write } from './terminal.ts';
import { readTransformFile } from './transform-file.ts';

interface ValidateFlags {
  readonly filename: string;
  readonly moduleDir?: string;
}

export function validateCommand(terminal: Terminal, signal: AbortSignal): Command {
  return new Command('validate')
    .description('check a Transform, its input and its module; print all that is wrong, with its place')
    .requiredOption('-f, --filename <file>', 'file with one Transform; - is standard input')
    .option(
      '--module-dir <folder>',
      'folder of .cue files in place of the ConfigMap that the Transform names',
    )
    .action(async (flags: ValidateFlags) => {
      const file = await readTransformFile(flags.filename, terminal.stdin);
      const rendered = await renderOrFail(file, flags, terminal, signal);
      const { name } = file.transform.metadata;
      const count = rendered.nodes.length;
      await write(
        terminal.stdout,
        `Transform ${name} is valid: ${count} ${count === 1 ? 'node' : 'nodes'}\n`,
      );
    });
}
