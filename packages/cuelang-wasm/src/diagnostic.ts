/**
 * What is wrong, in the terms of who has to act:
 * - `conflict`: values contradict each other, no further input can help.
 * - `incomplete`: a value is not known yet; more input may make it so.
 * - `missing`: a field that has to be given is not.
 * - `syntax`: text that is no CUE (or no JSON), or a name that refers to nothing.
 * - `import`: a package or module that can't be found or isn't allowed.
 * - `limit`: the evaluation was stopped, or an answer cut; see {@link CueLimit}.
 */
export type CueDiagnosticKind = 'conflict' | 'incomplete' | 'missing' | 'syntax' | 'import' | 'limit';

/** Which bound was met: time, wasm memory, size of the answer, or a failure of the evaluator itself. */
export type CueLimit = 'deadline' | 'memory' | 'output' | 'crash';

/** A place in a file, named as in the tree that held it. Line and column count from 1. */
export interface CuePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong. */
export interface CueDiagnostic {
  readonly kind: CueDiagnosticKind;
  /** The CUE path of the value, empty where it is not about one. */
  readonly path: string;
  /** One line. */
  readonly message: string;
  readonly positions: readonly CuePosition[];
  /** Of an incomplete value: the paths it refers to that are not known. */
  readonly references?: readonly string[];
  /** Of kind `limit`. */
  readonly limit?: CueLimit;
}

/** Makes the diagnostic of an evaluation that had to be stopped. */
export function limitDiagnostic(limit: CueLimit, message: string): CueDiagnostic {
  return { kind: 'limit', limit, path: '', message, positions: [] };
}
