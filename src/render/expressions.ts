// What a node says in CEL: exports, which other nodes read, and conditions of readiness. What is wrong with an
// expression shows without an object, and is said before anything is applied.
import { checkExpression, type WantedType } from '../cel/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';

export interface ExpressionProblem {
  readonly path: string;
  readonly message: string;
}

/** As CUE takes it after a dot. */
const EXPORT_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** All that is wrong with the expressions of a node. What is no text is for the schema to refuse. */
export function expressionProblems(node: JsonObject, path: string): readonly ExpressionProblem[] {
  return [...exportProblems(node, path), ...predicateProblems(node, path)];
}

function exportProblems({ object, exports }: JsonObject, path: string): readonly ExpressionProblem[] {
  if (!isJsonObject(exports)) return [];
  const entries = Object.entries(exports);
  // Values of Secrets would end up in plain objects.
  if (entries.length > 0 && isJsonObject(object) && isSecret(object)) {
    const message = 'a Secret exports nothing: what needs it refers to it, as in valueFrom.secretKeyRef';
    return [{ path: `${path}.exports`, message }];
  }
  return entries.flatMap(([name, expression]) => {
    if (EXPORT_NAME.test(name)) return problemsOf(expression, 'any', `${path}.exports.${name}`);
    const rule = 'a letter, then letters, digits and _, at most 63';
    return [
      { path: `${path}.exports`, message: `${JSON.stringify(name)} is no name for an export: ${rule}` },
    ];
  });
}

function predicateProblems({ readyWhen }: JsonObject, path: string): readonly ExpressionProblem[] {
  if (!isJsonArray(readyWhen)) return [];
  return readyWhen.flatMap((predicate, at) => {
    if (!isJsonObject(predicate) || predicate['type'] !== 'CEL') return [];
    return ['expression', 'failedWhen'].flatMap((field) =>
      problemsOf(predicate[field], 'bool', `${path}.readyWhen[${at}].${field}`),
    );
  });
}

function problemsOf(
  expression: JsonValue | undefined,
  wanted: WantedType,
  path: string,
): readonly ExpressionProblem[] {
  if (typeof expression !== 'string') return [];
  const checked = checkExpression(expression, wanted);
  return checked.ok ? [] : [{ path, message: checked.message }];
}

function isSecret({ apiVersion, kind }: JsonObject): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}
