// CUE names what contradicts the schema first; as long as something does, fields that are not allowed or not given stay
// unsaid. People want to hear everything at once, so an input with errors is asked about again without the members that
// are known to be wrong, until nothing new comes up.
import type { CueDiagnostic } from 'cuelang-wasm';
import { isJsonArray, isJsonObject, type JsonObject } from '../json/index.ts';
import { parseCuePath } from './cue-path.ts';

/** Says what is wrong with an input, in the way of the first answer. */
export type InputCheck = (input: JsonObject) => Promise<readonly CueDiagnostic[]>;

const MAX_ROUNDS = 8;

/** `first` and everything else that is wrong with the input; paths start with `input`. */
export async function allInputErrors(
  first: readonly CueDiagnostic[],
  input: JsonObject,
  check: InputCheck,
): Promise<readonly CueDiagnostic[]> {
  const errors = [...first];
  let rest = input;
  let found = first;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const smaller = found.reduce((value, { path }) => without(value, parseCuePath(path).slice(1)), rest);
    if (smaller === rest) break;
    rest = smaller;
    const known = errors.map(({ path }) => path);
    found = (await check(rest)).filter(({ path }) => !known.some((other) => isWithin(path, other)));
    errors.push(...found);
  }
  return errors;
}

/** Whether a path is the other one or lies below it. */
function isWithin(path: string, other: string): boolean {
  const labels = parseCuePath(path);
  return parseCuePath(other).every((label, at) => labels[at] === label);
}

/** A copy without the member that the labels lead to, or without the list that holds it; the same where there is none. */
function without(value: JsonObject, labels: readonly string[]): JsonObject {
  const [head, ...rest] = labels;
  if (head === undefined || !Object.hasOwn(value, head)) return value;
  const { [head]: member, ...others } = value;
  if (rest.length === 0 || isJsonArray(member)) return others;
  if (!isJsonObject(member)) return value;
  const smaller = without(member, rest);
  return smaller === member ? value : { ...value, [head]: smaller };
}
