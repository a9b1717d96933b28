// The language: CEL's standard library without functions of bytes, over one variable, `object`. Regular expressions are
// RE2's, as CEL defines them: JavaScript's backtrack, and one bad pattern stops the process.
import { Environment } from '@marcbachmann/cel-js';
import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { MATCHES } from './bounds.ts';
import { MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_PARTS } from './limits.ts';
import { isPart, type Part, partsBelow } from './part.ts';

/** The variable that expressions are about. */
export const OBJECT_VARIABLE = 'object';

const FUNCTIONS: ReadonlySet<string> = new Set(
  [
    'has size dyn type bool int uint double string timestamp duration',
    'all exists exists_one map filter',
    'startsWith endsWith contains matches lowerAscii upperAscii trim indexOf lastIndexOf substring split join',
    'getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getMonth getHours getMinutes getSeconds getMilliseconds',
    'of none hasValue value or orValue',
  ].flatMap((names) => names.split(' ')),
);

/** Compiled patterns that are kept: more than one expression can hold. */
const MAX_PATTERNS = 1000;

/** The language of expressions, and the patterns that they have compiled. */
export function createLanguage(): Environment {
  const patterns = new LRUCache<string, RE2JS>({ max: MAX_PATTERNS });
  const compiled = (pattern: string): RE2JS => {
    const known = patterns.get(pattern);
    if (known !== undefined) return known;
    const fresh = RE2JS.compile(pattern);
    patterns.set(pattern, fresh);
    return fresh;
  };
  return new Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: {
      maxAstNodes: MAX_EXPRESSION_PARTS,
      maxDepth: MAX_EXPRESSION_DEPTH,
      maxListElements: 256,
      maxMapEntries: 256,
      maxCallArguments: 8,
    },
  })
    .registerVariable(OBJECT_VARIABLE, 'dyn')
    .registerFunction(`string.${MATCHES}(string): bool`, (text: string, pattern: string) =>
      compiled(pattern).matcher(text).find(),
    );
}

/** Something about an expression that its author has to change. */
export interface LanguageProblem {
  readonly message: string;
  /** Index of the character. */
  readonly at: number;
}

/**
 * Fits a parsed expression to the language: `matches` becomes RE2's.
 * @returns the first thing in it that the language does not have.
 */
export function adaptParts(root: Part): LanguageProblem | undefined {
  for (const { op, args, pos } of partsBelow(root)) {
    if ((op !== 'call' && op !== 'rcall') || !Array.isArray(args)) continue;
    const name: unknown = args[0];
    if (typeof name !== 'string' || !FUNCTIONS.has(name)) {
      return { message: `unknown function: ${String(name)}`, at: pos };
    }
    if (name !== 'matches' || op !== 'rcall') continue;
    args[0] = MATCHES;
    const problem = patternProblem(args[2]);
    if (problem !== undefined) return { message: problem, at: pos };
  }
  return undefined;
}

/** A pattern that stands in the expression is looked at before it is ever used. */
function patternProblem(operands: unknown): string | undefined {
  const pattern: unknown = Array.isArray(operands) ? operands[0] : undefined;
  if (!isPart(pattern) || pattern.op !== 'value' || typeof pattern.args !== 'string') return undefined;
  try {
    RE2JS.compile(pattern.args);
    return undefined;
  } catch (error) {
    return `invalid regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
}
