// Bounds the work of an evaluation. The library has no limit of its own for that: a few nested `map`s over a long list,
// or a string that doubles itself, would keep the process busy for minutes. So every part of a parsed expression is
// wrapped: it pays before it runs, and what it hands to an operator or function is paid for by its size.
//
// Invariant: between two payments no more work is done than a constant times what has been paid, with strings and lists
// that an object of the API server can hold.
import { EVALUATION_BUDGET, MAX_PATTERN_LENGTH, MAX_SHORT_OPERAND } from './limits.ts';
import { isPart, type Part, partsBelow } from './part.ts';

/** An evaluation took more work than it may. */
export class BudgetError extends Error {}

/** What an evaluation has left to spend. */
export class Budget {
  #left = EVALUATION_BUDGET;
  readonly #exceeded = new BudgetError('the expression takes too much work');

  reset(): void {
    this.#left = EVALUATION_BUDGET;
  }

  /** An expression may catch an error, as `||` does: spent is spent all the same. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** @throws BudgetError where too little is left; always the same one, for it may be thrown very often. */
  pay(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw this.#exceeded;
  }
}

/** How the result of an operand is paid for. */
interface Price {
  /** Characters for a unit. */
  readonly charactersPerUnit: number;
  /** Longest string; any length where undefined. */
  readonly maxLength?: number;
  /** Only the keys of a map are copied, and a list is gone through by parts that pay for themselves. */
  readonly isRange?: boolean;
}

const PLAIN: Price = { charactersPerUnit: 64 };
/** Work that is dearer by character: an element for each, a state machine. */
const DEAR: Price = { charactersPerUnit: 2 };
const SHORT: Price = { charactersPerUnit: 1, maxLength: MAX_SHORT_OPERAND };
const RANGE: Price = { charactersPerUnit: 64, isRange: true };
const PATTERN: Price = { charactersPerUnit: 1, maxLength: MAX_PATTERN_LENGTH };
/** What functions cost besides their operands: to format through the locale data, and to compile a pattern. */
const LOCALE_CALL = 500;
const PATTERN_CALL = 2000;

const OPERATORS: ReadonlySet<string> = new Set('+ - * / % == != < <= > >= in'.split(' '));

/** Makes `root` and everything below it pay from `budget`. The expression must have been checked. */
export function boundWork(root: Part, budget: Budget): void {
  const prices = new Map<Part, Price>();
  const parts = partsBelow(root);
  for (const part of parts) for (const [operand, price] of operandsOf(part)) prices.set(operand, price);
  for (const part of parts) wrap(part, budget, prices.get(part), callPrice(part));
}

function wrap(part: Part, budget: Budget, price: Price | undefined, units: number): void {
  // The library replaces `evaluate` of a part by its faster form at the first call: that goes under the wrapper.
  let inner = part.evaluate;
  const evaluate: Part['evaluate'] = (evaluator, self, context) => {
    budget.pay(units);
    const result = inner.call(part, evaluator, self, context);
    if (price !== undefined) payFor(result, price, budget);
    return result;
  };
  Object.defineProperty(part, 'evaluate', {
    get: () => evaluate,
    set: (faster: Part['evaluate']) => {
      inner = faster;
    },
  });
}

function payFor(value: unknown, price: Price, budget: Budget): void {
  if (price.isRange === true) {
    if (value instanceof Map) budget.pay(value.size);
  } else if (typeof value === 'string') {
    if (price.maxLength !== undefined && value.length > price.maxLength) {
      throw new RangeError(
        `an operand has ${value.length} characters, at most ${price.maxLength} are allowed`,
      );
    }
    budget.pay(Math.ceil(value.length / price.charactersPerUnit));
  } else if (Array.isArray(value)) {
    budget.pay(value.length);
    for (const item of value) payFor(item, price, budget);
  } else if (value instanceof Map) {
    budget.pay(value.size);
    for (const item of value.values()) payFor(item, price, budget);
  }
}

function* operandsOf(part: Part): Generator<readonly [Part, Price]> {
  if (OPERATORS.has(part.op) && Array.isArray(part.args)) {
    for (const operand of part.args) if (isPart(operand)) yield [operand, PLAIN];
    return;
  }
  if (part.op === 'comprehension') {
    const range = rangeOf(part.args);
    if (range !== undefined) yield [range, RANGE];
    return;
  }
  if (part.meta.macro !== undefined || part.meta.alternate !== undefined) return;
  const call = callOf(part);
  if (call === undefined) return;
  const { name, receiver, operands } = call;
  if (receiver !== undefined) yield [receiver, name === 'split' || name === MATCHES ? DEAR : PLAIN];
  for (const operand of operands) yield [operand, operandPrice(name, receiver !== undefined)];
}

function rangeOf(args: unknown): Part | undefined {
  if (typeof args !== 'object' || args === null || !('iterable' in args)) return undefined;
  return isPart(args.iterable) ? args.iterable : undefined;
}

/** The name under which the language has `matches`. */
export const MATCHES = 'matchesInLinearTime';

function operandPrice(name: string, isMethod: boolean): Price {
  if (name === MATCHES) return PATTERN;
  if (name === 'duration' || name === 'join' || (isMethod && name.startsWith('get'))) return SHORT;
  return PLAIN;
}

function callPrice(part: Part): number {
  const call = callOf(part);
  if (call === undefined) return 1;
  const isTimeZone = call.receiver !== undefined && call.name.startsWith('get') && call.operands.length > 0;
  if (isTimeZone) return LOCALE_CALL;
  // A pattern that stands in the expression is compiled once.
  return call.name === MATCHES && call.operands[0]?.op !== 'value' ? PATTERN_CALL : 1;
}

interface Call {
  readonly name: string;
  readonly receiver: Part | undefined;
  readonly operands: readonly Part[];
}

function callOf({ op, args }: Part): Call | undefined {
  if ((op !== 'call' && op !== 'rcall') || !Array.isArray(args)) return undefined;
  const [name, receiver] = args;
  const operands: unknown = args.at(-1);
  if (typeof name !== 'string' || !Array.isArray(operands)) return undefined;
  return {
    name,
    receiver: op === 'rcall' && isPart(receiver) ? receiver : undefined,
    operands: operands.filter(isPart),
  };
}
