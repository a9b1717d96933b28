import { type JsonValue, rawJson } from './value.ts';

// Digits that a double may not hold, an exponent, a fraction's trailing zero, or a minus zero. A hit inside a string
// costs only time, so the fast path is taken by nearly every document.
const MAY_CHANGE = /\d{16}|\d[eE][+-]?\d|\d\.\d{15}|\.\d*0(?!\d)|-0(?![.\d])/;

interface ReviverContext {
  readonly source?: string;
}

/**
 * Parses JSON without changing a number: one that does not survive the way through a double is kept as text.
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseJson(text: string): JsonValue {
  if (!MAY_CHANGE.test(text)) return JSON.parse(text);
  const keepNumbers = (_key: string, value: unknown, context?: ReviverContext): unknown => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return String(value) === context.source ? value : rawJson(context.source);
  };
  return JSON.parse(text, keepNumbers);
}

/** The inverse of {@link parseJson}. */
export function stringifyJson(value: JsonValue): string {
  return JSON.stringify(value);
}
