// What an expression may cost. The numbers count work, not time, so that the same object gives the same answer on a busy
// machine as on an idle one.

/** Longest expression, in characters; the API's schema has the same limit. */
export const MAX_EXPRESSION_LENGTH = 2048;
/** Deepest nesting of an expression. */
export const MAX_EXPRESSION_DEPTH = 64;
/** Most parts of an expression. */
export const MAX_EXPRESSION_PARTS = 1000;
/** Largest result, in bytes of canonical JSON. */
export const MAX_RESULT_BYTES = 4096;
export const MAX_RESULT_DEPTH = 16;
/**
 * Work of one evaluation. Each part of the expression costs one unit each time it is evaluated; operands of operators and
 * functions cost one more for each 64 characters, and for each element.
 */
export const EVALUATION_BUDGET = 100_000;
/** Longest regular expression. */
export const MAX_PATTERN_LENGTH = 256;
/** Longest operand where a function's work grows faster than its length. */
export const MAX_SHORT_OPERAND = 64;
