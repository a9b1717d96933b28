// The same question is never evaluated twice, across restarts too: a render depends on nothing but what is hashed here.
import { hashJson, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import type { RenderContext } from './context.ts';

/** Everything that a render depends on. */
export interface RenderKeyParts {
  readonly moduleDigest: string;
  readonly packagePath: string;
  readonly input: JsonObject;
  readonly context: RenderContext;
  /** What the last render of this module and input reported as `reads`. */
  readonly reads: readonly string[];
  readonly policiesDigest: string;
  readonly evaluatorVersion: string;
}

/**
 * A hash that changes only when a render could give something else. Of `context`, only the values at the paths in
 * `reads` count (`context.labels.team`; `context` alone is all of it).
 */
export function renderKey(parts: RenderKeyParts): string {
  const root: JsonObject = { context: parts.context };
  const reads = [...new Set(parts.reads)].sort();
  return hashJson({
    moduleDigest: parts.moduleDigest,
    packagePath: parts.packagePath,
    input: parts.input,
    context: reads.map((path) => [path, valueAt(root, parseReadPath(path)) ?? null]),
    policiesDigest: parts.policiesDigest,
    evaluatorVersion: parts.evaluatorVersion,
  });
}

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** The labels as one path: those that are no identifiers are quoted. */
export function formatReadPath(labels: readonly string[]): string {
  return labels.map((label) => (IDENTIFIER.test(label) ? label : JSON.stringify(label))).join('.');
}

/** `context.labels."app.kubernetes.io/name"` → its three members: a CUE path of plain and quoted labels. */
function parseReadPath(path: string): readonly string[] {
  const labels: string[] = [];
  for (const [, quoted, plain] of path.matchAll(/("(?:[^"\\]|\\.)*")|([^."]+)/g)) {
    if (quoted !== undefined) labels.push(String(JSON.parse(quoted)));
    else if (plain !== undefined) labels.push(plain);
  }
  return labels;
}

function valueAt(root: JsonValue, labels: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const label of labels) {
    value = isJsonObject(value) && Object.hasOwn(value, label) ? value[label] : undefined;
  }
  return value;
}
