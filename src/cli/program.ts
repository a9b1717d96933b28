import { Command, CommanderError } from 'commander';
import { messageOf, PequodError } from '../errors.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { type Terminal, write } from './terminal.ts';

const EXIT_CODE_HELP = `
Exit codes: 0 done; 1 the Transform, its module or the operator failed; 2 the call is wrong: an unknown option, no such
file, no Transform in it.`;

interface Entry {
  readonly name: string;
  readonly description: string;
  /** A command is loaded when it is called, or its help is: each brings a part of the program along. */
  readonly load: (terminal: Terminal, signal: AbortSignal) => Promise<Command>;
}

/** All commands, in the order of the help. */
const COMMANDS: readonly Entry[] = [
  {
    name: 'render',
    description: 'print the objects that a Transform would have, without a cluster',
    load: async (terminal, signal) => (await import('./render.ts')).renderCommand(terminal, signal),
  },
  {
    name: 'validate',
    description: 'check a Transform, its input and its module; print all that is wrong, with its place',
    load: async (terminal, signal) => (await import('./validate.ts')).validateCommand(terminal, signal),
  },
  {
    name: 'generate-key',
    description: 'make a key to sign modules with: <prefix>.key, and <prefix>.pub for those who verify',
    load: async (terminal) => (await import('./generate-key.ts')).generateKeyCommand(terminal),
  },
  {
    name: 'push',
    description: 'publish a module to a registry, as a CUE module that others can depend on',
    load: async (terminal, signal) => (await import('./push.ts')).pushCommand(terminal, signal),
  },
  {
    name: 'pull',
    description: 'fetch a module from a registry into a folder',
    load: async (terminal, signal) => (await import('./pull.ts')).pullCommand(terminal, signal),
  },
  {
    name: 'sign',
    description: 'sign a module in a registry, as cosign does',
    load: async (terminal, signal) => (await import('./sign.ts')).signCommand(terminal, signal),
  },
  {
    name: 'verify',
    description: 'look whether a module in a registry is signed, as the operator does',
    load: async (terminal, signal) => (await import('./verify.ts')).verifyCommand(terminal, signal),
  },
  {
    name: 'controller',
    description: 'run the operator until it is told to stop',
    load: async () => (await import('./controller.ts')).controllerCommand(),
  },
  {
    name: 'version',
    description: 'print the version of this program',
    load: async (terminal) => (await import('./version.ts')).versionCommand(terminal),
  },
];

/** The program with the commands that `args` name; of the others only what a list of commands shows. */
async function createProgram(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Command> {
  const program = new Command('pequod')
    .description(
      'A platform operator for Kubernetes: one Transform, a CUE module, and the objects stay as declared.',
    )
    .addHelpText('after', EXIT_CODE_HELP);
  for (const { name, description, load } of COMMANDS) {
    const command = args.includes(name) ? await load(terminal, signal) : new Command(name);
    program.addCommand(command.description(description));
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError('(add --help for the options)');
    command.configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    });
  }
  return program;
}

/** Runs a command line (without node and script) and returns the exit code, having said on stderr what went wrong. */
export async function runProgram(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  try {
    const program = await createProgram(args, terminal, signal);
    await program.parseAsync([...args], { from: 'user' });
    return EXIT_CODES.success;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.success : EXIT_CODES.usage;
    await write(terminal.stderr, `${describeError(error)}\n`);
    return error instanceof CliError ? error.exitCode : EXIT_CODES.failure;
  }
}

/** A bug is shown with its stack, everything else in its own words. */
function describeError(error: unknown): string {
  if (error instanceof CliError) return error.message;
  if (error instanceof PequodError) return `error: ${messageOf(error)} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
