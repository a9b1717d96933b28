// Live values in a file: what the objects of a cluster would have answered.
import { isJsonObject } from '../json/index.ts';
import type { ObservedValues } from '../render/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { readText } from './transform-file.ts';
import { parseYaml } from './yaml-file.ts';

/** @throws CliError where the file can't be read, or is not values by node id and export */
export async function readObserved(path: string): Promise<ObservedValues> {
  const [document, second] = parseYaml(path, await readText(path));
  const value = document?.value ?? {};
  if (second !== undefined || !isObservedValues(value)) {
    throw new CliError(
      `--observed ${path}: expected one object {<node id>: {<export>: value}}`,
      EXIT_CODES.usage,
    );
  }
  return value;
}

function isObservedValues(value: unknown): value is ObservedValues {
  return typeof value === 'object' && value !== null && Object.values(value).every(isJsonObject);
}
