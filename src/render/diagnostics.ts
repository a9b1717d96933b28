// What the evaluator says is wrong, as violations that people read: one for each place, with the position in the module
// that says why.
import type { CueDiagnostic, CuePosition } from 'cuelang-wasm';
import type { Violation } from '../api/index.ts';
import type { ModuleTree } from '../source/index.ts';

const MAX_MESSAGE = 1024;
const MODULE_FILE = 'cue.mod/module.cue';
/** What the evaluator says of an import that leads nowhere. */
const UNKNOWN_PACKAGE = /^cannot find package "([^"]+)"$/;
/** The headline over the errors of a disjunction, which are listed as well. */
const HEADLINE = /^\d+ errors in empty disjunction:?$/;
/** That a value is not a default, or not another of several: said next to what is really wrong with it. */
const ALTERNATIVE = /^conflicting values (?!.*\(mismatched types )/;

/** All diagnostics as violations of severity Error, in order; what is said of one path is one violation. */
export function toViolations(diagnostics: readonly CueDiagnostic[], tree: ModuleTree): readonly Violation[] {
  const telling = preferred(diagnostics, ({ message }) => !HEADLINE.test(message));
  const byPath = Map.groupBy(telling, ({ path }) => path);
  return [...byPath].map(([path, said]) => {
    const shown = preferred(said, ({ message }) => !ALTERNATIVE.test(message));
    const messages = new Set(shown.map((diagnostic) => messageOf(diagnostic, tree)));
    const position = shown
      .map(({ positions }) => pickPosition(positions, tree))
      .find((found) => found !== undefined);
    return {
      path,
      message: shorten([...messages].join('; ')),
      severity: 'Error',
      ...(position === undefined ? {} : { position: formatPosition(position, tree) }),
    };
  });
}

/** The items that pass, or all of them where none does. */
function preferred<T>(items: readonly T[], passes: (item: T) => boolean): readonly T[] {
  const found = items.filter(passes);
  return found.length === 0 ? items : found;
}

function messageOf({ kind, message, path, positions }: CueDiagnostic, tree: ModuleTree): string {
  if (kind === 'missing') return `is required but not given (${message})`;
  if (kind === 'import') return `${message}${importAdvice(message, tree)}`;
  const isInput = path === 'input' || path.startsWith('input.');
  if (kind !== 'conflict' || isInput) return message;
  // Two places of the module disagree: the first becomes the position, the other is named here.
  const [, other] = positions.filter(({ file }) => tree.files.has(file));
  return other === undefined ? message : `${message} (also ${formatPosition(other, tree)})`;
}

/** What to do about a package that no module has. */
function importAdvice(message: string, tree: ModuleTree): string {
  const path = UNKNOWN_PACKAGE.exec(message)?.[1];
  if (path === undefined) return '';
  if (!tree.files.has(MODULE_FILE))
    return `: a module without ${MODULE_FILE} can import only what ships with CUE and Pequod`;
  return `: no dependency in ${MODULE_FILE} has it; run "cue mod tidy", or "cue mod get" with its module, and publish again`;
}

/** Of the places that took part in an error, the first in the module itself; JSON that was filled in has none. */
function pickPosition(positions: readonly CuePosition[], tree: ModuleTree): CuePosition | undefined {
  return (
    positions.find(({ file }) => tree.files.has(file)) ?? positions.find(({ file }) => file.endsWith('.cue'))
  );
}

/** `file:line:col`. A place behind the end of a file, where declarations were added, is its last line. */
function formatPosition({ file, line, column }: CuePosition, tree: ModuleTree): string {
  const lines = tree.files.get(file)?.trimEnd().split('\n');
  const last = lines?.at(-1);
  if (lines === undefined || last === undefined || line <= lines.length) return `${file}:${line}:${column}`;
  return `${file}:${lines.length}:${last.length + 1}`;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}
