// An expression: checked once, evaluated often. Nothing here throws for what an expression or an object says; a result is
// a value, or says that something in the object is not there yet, or what is wrong.
import {
  TypeError as CelTypeError,
  type Environment,
  EvaluationError,
  ParseError,
  type ParseResult,
} from '@marcbachmann/cel-js';
import { messageOf } from '../errors.ts';
import { type JsonValue, shortHashJson } from '../json/index.ts';
import { Budget, boundWork, MATCHES } from './bounds.ts';
import { adaptParts, createLanguage, type LanguageProblem, OBJECT_VARIABLE } from './language.ts';
import { MAX_EXPRESSION_LENGTH } from './limits.ts';
import { isPart } from './part.ts';
import { type CelValue, fromCel } from './value.ts';

/** `missing`: the object has no such field, key or index; what an expression needs may still come. */
export type Evaluation =
  | { readonly type: 'value'; readonly value: JsonValue }
  | { readonly type: 'missing'; readonly message: string }
  | { readonly type: 'error'; readonly message: string };

/** What the result of an expression is used for. */
export type WantedType = 'any' | 'bool';

export type CheckedExpression =
  | { readonly ok: true }
  /** `line` and `column` count from 1; `message` begins with them. */
  | { readonly ok: false; readonly message: string; readonly line: number; readonly column: number };

/** An expression that can be evaluated. */
export type Program = (object: CelValue) => Evaluation;

type Compiled =
  | { readonly ok: true; readonly type: string; readonly program: Program }
  | { readonly ok: false; readonly problem: LanguageProblem };

const MISSING: ReadonlySet<string> = new Set([
  'no_such_key',
  'index_out_of_bounds',
  'optional_value_missing',
]);
const BOOLEAN_TYPES: ReadonlySet<string> = new Set(['bool', 'dyn']);

/** Names an expression: what was evaluated with one text says nothing about another. */
export function expressionHash(text: string): string {
  return shortHashJson(text);
}

/** What is wrong with an expression, as far as that shows without an object. */
export function checkExpression(
  text: string,
  wanted: WantedType,
  language: Environment = createLanguage(),
): CheckedExpression {
  const compiled = compile(text, language);
  if (!compiled.ok) return refused(text, compiled.problem);
  if (wanted === 'bool' && !BOOLEAN_TYPES.has(compiled.type)) {
    return refused(text, { message: `the result is of type ${compiled.type}, not bool`, at: 0 });
  }
  return { ok: true };
}

/** The program of an expression; of a wrong one, a program that says so. */
export function programOf(text: string, language: Environment): Program {
  const compiled = compile(text, language);
  if (compiled.ok) return compiled.program;
  const evaluation: Evaluation = { type: 'error', message: place(text, compiled.problem).message };
  return () => evaluation;
}

function refused(text: string, problem: LanguageProblem): CheckedExpression {
  return { ok: false, ...place(text, problem) };
}

function place(
  text: string,
  { message, at }: LanguageProblem,
): { readonly message: string; readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split('\n');
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { message: `${line}:${column}: ${message}`, line, column };
}

function compile(text: string, language: Environment): Compiled {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    const message = `the expression has ${text.length} characters, at most ${MAX_EXPRESSION_LENGTH} are allowed`;
    return { ok: false, problem: { message, at: 0 } };
  }
  try {
    const parsed = language.parse(text);
    const root: unknown = parsed.ast;
    if (!isPart(root)) throw new Error('the expression has no parts that can be bounded');
    const problem = adaptParts(root);
    if (problem !== undefined) return { ok: false, problem };
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, problem: problemOf(checked.error) };
    const budget = new Budget();
    boundWork(root, budget);
    const type = checked.type ?? 'dyn';
    return { ok: true, type, program: (object) => run(text, parsed, budget, object) };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}

function run(text: string, parsed: ParseResult, budget: Budget, object: CelValue): Evaluation {
  budget.reset();
  try {
    const result: unknown = parsed({ [OBJECT_VARIABLE]: object });
    budget.pay(0);
    const answer = fromCel(result);
    if ('value' in answer) return { type: 'value', value: answer.value };
    return { type: 'missing', message: 'the optional value is not there' };
  } catch (error) {
    const { message } = place(text, problemOf(error));
    const isMissing = !budget.isSpent && error instanceof EvaluationError && MISSING.has(error.code);
    return { type: isMissing ? 'missing' : 'error', message };
  }
}

/** An error of the library without its drawing of the expression. */
function problemOf(error: unknown): LanguageProblem {
  const isOurs =
    error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError;
  if (!isOurs) return { message: messageOf(error, 200), at: 0 };
  const summary = messageOf(new Error(error.summary.replaceAll(MATCHES, 'matches')), 200);
  return { message: `${summary.charAt(0).toLowerCase()}${summary.slice(1)}`, at: error.range?.start ?? 0 };
}
