// What the evaluator says is wrong, as violations that people read: one for each place, with the position in the module
// that says why.
import type { CueDiagnostic, CuePosition } from 'cuelang-wasm';
import type { Violation } from '../api/index.ts';
import type { ModuleTree } from '../source/index.ts';

const MAX_MESSAGE = 1024;
/** The headline over the errors of a disjunction, which are listed anyway. */
const HEADLINE = /^\d+ errors in empty disjunction:?$/;

/** All diagnostics as violations of severity Error, in order; what is said of one path is one violation. */
export function toViolations(diagnostics: readonly CueDiagnostic[], tree: ModuleTree): readonly Violation[] {
  const byPath = Map.groupBy(diagnostics, ({ path }) => path);
  return [...byPath].map(([path, said]) => {
    const telling = said.filter(({ message }) => !HEADLINE.test(message));
    const shown = telling.length === 0 ? said : telling;
    const messages = new Set(shown.map(messageOf));
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

function messageOf(diagnostic: CueDiagnostic): string {
  if (diagnostic.kind !== 'missing') return diagnostic.message;
  return `is required but not given (${diagnostic.message})`;
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
