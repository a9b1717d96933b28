import { type JsonValue, rawJson } from './value.ts';

// A number that a double may not give back as it was written: 16 digits or more, an exponent, a fraction that ends in a
// zero or begins with six, a minus zero. Looked for only where a number can begin, so that ids and timestamps in strings
// do not make nearly every document take the slow path; a false hit costs time and nothing else. A colon counts only
// behind the quote of a key, or white space: in strings they stand before image tags and digests.
const MAY_CHANGE =
  /(?:^|["\s]:|[,[\s])(?:-0(?![.\d])|-?(?:\d{16}|[\d.]{17}|\d+(?:\.\d*)?[eE]|\d+\.(?:0{6}|\d*0(?!\d))))/;

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

/** As {@link parseJson}; undefined for what is no JSON. */
export function parseJsonIfAny(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The inverse of {@link parseJson}. */
export function stringifyJson(value: JsonValue): string {
  return JSON.stringify(value);
}
