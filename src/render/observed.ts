// Live values as a module reads them: observed.<node id>.<export>, by text, path and value.
import { isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import type { ResolvedModule } from '../source/index.ts';
import { formatCuePath } from './cue-path.ts';

export const OBSERVED_FIELD = 'observed' as const;
/** Stands in a path for a key that is computed. */
export const ANY = '*' as const;
/**
 * Id of the node that stands for all nodes which are not known yet, since which there are depends on a live value. A
 * graph with a node that waits removes nothing.
 */
export const PENDING_NODES_ID = 'pending-nodes' as const;

/** By node id and name of the export. An export without a value is not in it. */
export interface ObservedValues extends JsonObject {
  readonly [nodeId: string]: JsonObject | undefined;
}

/** Expressions of exports, by node id and name of the export. */
export interface ExportTable extends JsonObject {
  readonly [nodeId: string]: { readonly [name: string]: string | undefined } | undefined;
}

/** A path below `observed`, without that name: node id, export, and what is read of its value. */
export type ObservedPath = readonly string[];

/** Whether the module's package has the word `observed` at all. If not, it can't refer to live values. */
export function mentionsObserved({
  tree,
  packagePath,
}: Pick<ResolvedModule, 'tree' | 'packagePath'>): boolean {
  return packageFiles(tree.files, packagePath).some(([, content]) => /\bobserved\b/.test(content));
}

/** The CUE files of one package of a module. */
export function packageFiles(
  files: ReadonlyMap<string, string>,
  packagePath: string,
): readonly (readonly [path: string, content: string])[] {
  return [...files].filter(([path]) => {
    const slash = path.lastIndexOf('/');
    return path.endsWith('.cue') && (slash < 0 ? '.' : path.slice(0, slash)) === packagePath;
  });
}

/** The path as people write it, down to the export. */
export function formatObservedPath(path: ObservedPath): string {
  return formatCuePath([OBSERVED_FIELD, ...path.slice(0, 2)]).replaceAll(`"${ANY}"`, ANY);
}

/** Whether there is a value at the path. */
export function isObserved(observed: ObservedValues, path: ObservedPath): boolean {
  let value: JsonValue | undefined = observed;
  for (const label of path) {
    value = isJsonObject(value) && Object.hasOwn(value, label) ? value[label] : undefined;
  }
  return value !== undefined;
}

/** Whether any export of any node has a value. */
export function isNothingObserved(observed: ObservedValues): boolean {
  return Object.values(observed).every((values) => values === undefined || Object.keys(values).length === 0);
}

/** Where the module's text first reads the path, or, where that can't be found, `observed`. */
export function findMention(
  { tree, packagePath }: ResolvedModule,
  [id = '', name]: ObservedPath,
): readonly { readonly file: string; readonly line: number; readonly column: number }[] {
  const step = (label: string): string => {
    const quoted = escapeRegExp(JSON.stringify(label));
    return `\\s*(?:\\.\\s*(?:${escapeRegExp(label)}(?![\\w$])|${quoted})|\\[\\s*${quoted}\\s*\\])`;
  };
  const whole = name === undefined ? step(id) : `${step(id)}${step(name)}`;
  const files = packageFiles(tree.files, packagePath);
  for (const pattern of [
    `\\bobserved${whole}`,
    `\\bobserved${step(id)}`,
    '\\bobserved\\b(?!\\s*[?!]?\\s*:)',
  ]) {
    for (const [file, content] of files) {
      const at = content.search(new RegExp(pattern));
      if (at < 0) continue;
      const lines = content.slice(0, at).split('\n');
      return [{ file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }];
    }
  }
  return [];
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
