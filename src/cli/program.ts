import { Command, CommanderError } from 'commander';
import { messageOf, PequodError } from '../errors.ts';
import { controllerCommand } from './controller.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { generateKeyCommand } from './generate-key.ts';
import { pullCommand } from './pull.ts';
import { pushCommand } from './push.ts';
import { renderCommand } from './render.ts';
import { signCommand } from './sign.ts';
import { type Terminal, write } from './terminal.ts';
import { validateCommand } from './validate.ts';
import { verifyCommand } from './verify.ts';
import { versionCommand } from './version.ts';

const EXIT_CODE_HELP = `
Exit codes: 0 done; 1 the Transform, its module or the operator failed; 2 the call is wrong: an unknown option, no such
file, no Transform in it.`;

/** All commands. `signal` aborts what they do. */
export function createProgram(terminal: Terminal, signal: AbortSignal): Command {
  const program = new Command('pequod')
    .description(
      'A platform operator for Kubernetes: one Transform, a CUE module, and the objects stay as declared.',
    )
    .addHelpText('after', EXIT_CODE_HELP);
  program.addCommand(renderCommand(terminal, signal));
  program.addCommand(validateCommand(terminal, signal));
  program.addCommand(generateKeyCommand(terminal));
  program.addCommand(pushCommand(terminal, signal));
  program.addCommand(pullCommand(terminal, signal));
  program.addCommand(signCommand(terminal, signal));
  program.addCommand(verifyCommand(terminal, signal));
  program.addCommand(controllerCommand());
  program.addCommand(versionCommand(terminal));
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
    await createProgram(terminal, signal).parseAsync([...args], { from: 'user' });
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
