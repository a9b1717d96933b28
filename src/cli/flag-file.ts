import { readFile } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';

/** The text of a file that a flag names. @throws CliError that names the flag */
export async function readFlagFile(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError(`error: ${flag} ${path}: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}
