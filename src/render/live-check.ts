// References to live values that can't come true: of nodes or exports that there are not, or of a node to itself.
import type { CuePosition } from 'cuelang-wasm';
import type { Violation } from '../api/index.ts';
import type { ResolvedModule } from '../source/index.ts';
import { toViolations } from './diagnostics.ts';
import type { LiveNode, OpenWaits } from './live-nodes.ts';
import { waitsOf } from './live-waits.ts';
import { ANY, findMention, formatObservedPath, type ObservedPath } from './observed.ts';

export interface LiveGraphParts {
  readonly module: ResolvedModule;
  readonly nodes: readonly LiveNode[];
  readonly open: OpenWaits;
}

/** Why a path never gets a value; undefined where it may. */
export function whyNever({ nodes, open }: LiveGraphParts, [id = '', name]: ObservedPath): string | undefined {
  if (id === ANY) return undefined;
  const node = nodes.find((it) => it.id === id);
  if (node === undefined) {
    if (open.paths.length > 0) return undefined;
    const exporting = nodes.filter(({ exports }) => exports === undefined || Object.keys(exports).length > 0);
    return `there is no node ${id}; ${listed(
      'nodes with exports',
      exporting.map((it) => it.id),
    )}`;
  }
  if (node.exports === undefined || name === ANY) return undefined;
  const names = Object.keys(node.exports);
  if (name === undefined ? names.length > 0 : names.includes(name)) return undefined;
  const what = name === undefined ? 'exports nothing' : `does not export ${name}`;
  return `node ${id} ${what}; ${listed('its exports', names)}`;
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0
    ? `there are no ${what.replace('its ', '')}`
    : `${what}: ${[...names].sort().join(', ')}`;
}

/** Errors of the nodes that wait for nothing but what never comes. */
export function neverErrors(parts: LiveGraphParts): readonly Violation[] {
  const waiting = parts.nodes.flatMap((node) => (node.waits.length === 0 ? [] : node.errors));
  return [...waiting, ...parts.open.errors].flatMap((error) => {
    const waits = waitsOf(error, parts.open.paths);
    const reasons = waits.map((path) => [path, whyNever(parts, path)] as const);
    if (reasons.length === 0 || reasons.some(([, why]) => why === undefined)) return [];
    const message = reasons.map(([path, why]) => `reads ${formatObservedPath(path)}, but ${why}`).join('; ');
    const place = error.path === '' ? 'graph' : error.path;
    return at(parts.module, place, message, error.positions);
  });
}

/** What is read, but not needed, and never comes: said, since it may be a slip. */
export function neverNotes(parts: LiveGraphParts): readonly Violation[] {
  return parts.nodes.flatMap((node) => {
    if (node.errors.length > 0) return [];
    return node.reads.flatMap((path) => {
      const why = whyNever(parts, path);
      if (why === undefined) return [];
      const message = `reads ${formatObservedPath(path)}, but ${why}`;
      const found = at(parts.module, node.path, message, findMention(parts.module, path));
      return found.map((violation): Violation => ({ ...violation, severity: 'Info' }));
    });
  });
}

/** The error of a node that reads its own object. */
export function selfError(module: ResolvedModule, node: LiveNode): readonly Violation[] {
  const message = 'reads its own exports: a node can depend on other nodes only';
  return at(module, node.path, message, findMention(module, [node.id]));
}

function at(
  { tree }: ResolvedModule,
  path: string,
  message: string,
  positions: readonly CuePosition[],
): readonly Violation[] {
  return toViolations([{ kind: 'incomplete', path, message, positions }], tree);
}
