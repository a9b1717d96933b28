import { parseYaml as parse, type YamlDocument, YamlError } from '../yaml/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';

/**
 * The documents of a file that are not empty.
 * @throws CliError with `file:line:col` of every mistake
 */
export function parseYaml(fileName: string, text: string): readonly YamlDocument[] {
  try {
    return parse(fileName, text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new CliError(error.message, EXIT_CODES.usage, error);
  }
}
