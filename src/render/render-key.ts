// The same question is never evaluated twice, across restarts too: a render depends on nothing but what is hashed here.
import { hashJson, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import type { RenderContext } from './context.ts';
import { parseCuePath } from './cue-path.ts';
import { OBSERVED_FIELD, type ObservedValues } from './observed.ts';

/** Everything that a render depends on. */
export interface RenderKeyParts {
  readonly moduleDigest: string;
  readonly packagePath: string;
  readonly input: JsonObject;
  readonly context: RenderContext;
  readonly observed?: ObservedValues;
  /** Hashes of the expressions that gave the values: with another expression a value is another answer. */
  readonly expressionHashes?: ObservedValues;
  /** What the last render of this module and input reported as `reads`. */
  readonly reads: readonly string[];
  readonly policiesDigest: string;
  readonly evaluatorVersion: string;
}

/**
 * A hash that changes only when a render could give something else. Of `context` and `observed`, only the values at the
 * paths in `reads` count (`context.labels.team`; `context` alone is all of it).
 */
export function renderKey(parts: RenderKeyParts): string {
  const root: JsonObject = { context: parts.context, [OBSERVED_FIELD]: parts.observed ?? {} };
  const hashes: JsonObject = { [OBSERVED_FIELD]: parts.expressionHashes ?? {} };
  const reads = [...new Set(parts.reads)].sort().map((path) => [path, parseCuePath(path)] as const);
  const entry = ([path, labels]: (typeof reads)[number]): JsonValue => {
    const value = valueAt(root, labels) ?? null;
    return labels[0] === OBSERVED_FIELD
      ? [path, value, valueAt(hashes, labels.slice(0, 3)) ?? null]
      : [path, value];
  };
  return hashJson({
    moduleDigest: parts.moduleDigest,
    packagePath: parts.packagePath,
    input: parts.input,
    context: reads.map(entry),
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
