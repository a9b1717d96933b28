// Which live values an error is about. The evaluator names, for a value that is not known yet, all unknown paths that
// it may depend on; CUE's own message says which field it missed first. Both together tell "the database has not
// answered" from "the input lacks something".
import type { CueDiagnostic } from 'cuelang-wasm';
import { parseCuePath } from './cue-path.ts';
import { ANY, OBSERVED_FIELD, type ObservedPath } from './observed.ts';

const UNDEFINED_FIELD = /(?:undefined|optional) field: ("(?:[^"\\]|\\.)*"|[^\s:),]+)/;

/**
 * The live values that have to come before what the error is about can be known; empty: it is about something else.
 * @param fallback unknown paths to choose from for an error of the module as a whole, which names none
 */
export function waitsOf(
  { kind, path, references, message }: CueDiagnostic,
  fallback: readonly ObservedPath[],
): readonly ObservedPath[] {
  if (kind !== 'incomplete') return [];
  const unknown = references?.map(parseCuePath).flatMap(belowObserved) ?? (path === '' ? fallback : []);
  const [, named] = UNDEFINED_FIELD.exec(message) ?? [];
  const [label] = named === undefined ? [] : parseCuePath(named);
  if (label === undefined) return unknown;
  return unknown.flatMap((labels) => {
    // A computed key: the message says which one it is.
    if (labels[0] === ANY && !labels.includes(label)) return [[label, ...labels.slice(1)]];
    return labels.includes(label) ? [labels] : [];
  });
}

/** The live values that one of the errors waits for, each once; undefined where one waits for none. */
export function waitsOfAll(
  errors: readonly CueDiagnostic[],
  fallback: readonly ObservedPath[] = [],
): readonly ObservedPath[] | undefined {
  const waits = errors.map((error) => waitsOf(error, fallback));
  return waits.some(({ length }) => length === 0) ? undefined : uniquePaths(waits.flat());
}

/** The path without `observed`; none where it is not below it. */
export function belowObserved([root, ...rest]: readonly string[]): readonly ObservedPath[] {
  return root === OBSERVED_FIELD && rest.length > 0 ? [rest] : [];
}

export function uniquePaths(paths: readonly ObservedPath[]): readonly ObservedPath[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}
