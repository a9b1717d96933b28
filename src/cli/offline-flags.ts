// Flags of the commands that fetch a module without a cluster.
import { type Command, Option } from 'commander';
import { CENTRAL_REGISTRY } from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { withRegistryOptions } from './registry-access.ts';

/** Adds the options that say how registries and git servers are reached. */
export function withPlaceOptions(command: Command): Command {
  return withRegistryOptions(command).addOption(
    new Option('--cue-registry <config>', 'where modules that the module imports are')
      .env('CUE_REGISTRY')
      .default(CENTRAL_REGISTRY),
  );
}

/** @throws CliError where standard input would have to be two things */
export function checkStdin(flags: { readonly filename: string; readonly passwordStdin?: boolean }): void {
  if (flags.filename !== '-' || flags.passwordStdin !== true) return;
  throw new CliError('error: --filename - and --password-stdin both read standard input', EXIT_CODES.usage);
}
