import { Command, Option } from 'commander';
import { messageOf } from '../errors.ts';
import {
  buildModuleArtifact,
  type ModuleFolder,
  publishingAdvice,
  pushModule,
  readModuleFolder,
} from '../publishing/index.ts';
import { formatOciReference, type OciReference } from '../registry/index.ts';
import { CENTRAL_REGISTRY, CueRegistries, MODULE_FILE } from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { interruptible } from './interrupt.ts';
import { checkFiles } from './module-check.ts';
import {
  type RegistryFlags,
  RegistrySession,
  readReference,
  withRegistryOptions,
} from './registry-access.ts';
import { type Terminal, write } from './terminal.ts';

interface PushFlags extends RegistryFlags {
  readonly check: boolean;
  readonly overwrite?: boolean;
  readonly output: 'text' | 'json';
  readonly cueRegistry: string;
}

export function pushCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('push')
    .argument('<folder>', 'folder with cue.mod/module.cue')
    .argument('<reference>', 'oci://registry/[prefix/]module/path:v1.2.3')
    .option('--no-check', 'push a module that does not compile, too')
    .option('--overwrite', 'move a tag that names another module')
    .addOption(
      new Option('--cue-registry <config>', 'where modules that this one imports are')
        .env('CUE_REGISTRY')
        .default(CENTRAL_REGISTRY),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action((folder: string, reference: string, flags: PushFlags) =>
      interruptible(signal, (stop) => push(folder, readTarget(reference), flags, terminal, stop)),
    );
  return withRegistryOptions(command);
}

async function push(
  folder: string,
  reference: OciReference,
  flags: PushFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const registries = readRegistries(flags.cueRegistry);
  await using session = await RegistrySession.open(
    reference,
    flags,
    terminal.stdin,
    registries.plainHttpHosts,
  );
  const module = await readModuleFolder(folder, signal);
  const artifact = await buildModuleArtifact(module.files);
  if (flags.check) await checkFiles(module.files, { folder, registries, session }, signal);
  await sayBefore(module, reference, terminal);
  const { overwrite: isMoving = false, output } = flags;
  const { registry } = session;
  const access = session.accessTo(reference);
  const outcome = await pushModule(registry, reference, artifact, { isMoving }, access, signal).catch(
    (error: unknown) => {
      throw session.explained(error);
    },
  );
  if (outcome.state === 'taken') {
    throw new CliError(
      `error: ${formatOciReference(reference)} is another module already, ${outcome.by}: ` +
        'choose a new version, or move the tag with --overwrite',
      EXIT_CODES.failure,
    );
  }
  const { digest } = artifact;
  const pushed = formatOciReference({ ...reference, digest });
  const { state } = outcome;
  const files = [...module.files.keys()].sort();
  const { leftOut } = module;
  const said =
    output === 'json'
      ? JSON.stringify({ reference: pushed, digest, state, files, leftOut }, null, 2)
      : pushed;
  await write(terminal.stdout, `${said}\n`);
}

/** What is worth knowing, and no error. */
async function sayBefore(module: ModuleFolder, reference: OciReference, terminal: Terminal): Promise<void> {
  const moduleFile = Buffer.from(module.files.get(MODULE_FILE) ?? '').toString('utf8');
  const bytes = module.files.values().reduce((sum, { length }) => sum + length, 0);
  const lines = [
    ...module.leftOut.map((line) => `left out: ${line}`),
    ...publishingAdvice(moduleFile, reference).map((line) => `warning: ${line}`),
    `${module.files.size} ${module.files.size === 1 ? 'file' : 'files'}, ${bytes} bytes`,
  ];
  for (const line of lines) await write(terminal.stderr, `${line}\n`);
}

function readTarget(text: string): OciReference {
  const reference = readReference(text);
  if (reference.tag !== undefined && reference.digest === undefined) return reference;
  throw new CliError(`error: ${text}: a push needs a tag, and no digest: oci://registry/module/path:v1.2.3`);
}

function readRegistries(config: string): CueRegistries {
  try {
    return new CueRegistries(config);
  } catch (error) {
    throw new CliError(`error: --cue-registry: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}
