/**
 * How the program ends.
 * - `success`: what was asked for is done.
 * - `failure`: the Transform, its module or its input is at fault, or the operator could not go on.
 * - `usage`: the call itself is: an unknown option, a file that is missing or holds no Transform.
 *
 * A push or a pull that is interrupted ends with 128 and the signal's number, when nothing half-done is left. So does the
 * operator at a second interrupt, at once.
 */
export const EXIT_CODES = { success: 0, failure: 1, usage: 2 } as const;

/** Ends the program with this message on standard error. The message may have several lines. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_CODES.usage, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}
