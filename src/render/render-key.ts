// The same question is never evaluated twice, across restarts too: a render depends on nothing but what is hashed here.
import { hashJson, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import type { RenderContext } from './context.ts';
import { parseCuePath } from './cue-path.ts';

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
    context: reads.map((path) => [path, valueAt(root, parseCuePath(path)) ?? null]),
    policiesDigest: parts.policiesDigest,
    evaluatorVersion: parts.evaluatorVersion,
  });
}

function valueAt(root: JsonValue, labels: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const label of labels) {
    value = isJsonObject(value) && Object.hasOwn(value, label) ? value[label] : undefined;
  }
  return value;
}
