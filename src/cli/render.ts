import { Command, Option } from 'commander';
import { isResolvedNode } from '../api/index.ts';
import { formatObjects, MANIFEST_FORMATS, type ManifestFormat } from './manifest.ts';
import { checkStdin, withPlaceOptions } from './offline-flags.ts';
import { type OfflineFlags, renderOrFail } from './report.ts';
import { type Terminal, write } from './terminal.ts';
import { readTransformFile } from './transform-file.ts';

interface RenderFlags extends OfflineFlags {
  readonly filename: string;
  readonly output: ManifestFormat;
}

export function renderCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('render')
    .requiredOption('-f, --filename <file>', 'file with one Transform; - is standard input')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(MANIFEST_FORMATS).default('yaml'))
    .option('--module-dir <folder>', 'folder of the module, in place of where the Transform says that it is')
    .option('--observed <file>', 'YAML or JSON of live values, by node id and export')
    .action(async (flags: RenderFlags) => {
      checkStdin(flags);
      const file = await readTransformFile(flags.filename, terminal.stdin);
      const rendered = await renderOrFail(file, flags, terminal, signal);
      const objects = rendered.nodes.filter(isResolvedNode).map(({ object }) => object);
      await write(terminal.stdout, formatObjects(objects, flags.output));
    });
  return withPlaceOptions(command);
}
