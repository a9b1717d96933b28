// JSON as it travels through Pequod. A number that JavaScript would change (9223372036854775807, 1e400, 1.0) is held as
// the text that it was read from, so that what a module says reaches the API server byte for byte.

/** A number kept as its source text; `JSON.stringify` writes it unchanged. */
export interface RawJson {
  readonly rawJSON: string;
}

export type JsonValue = null | boolean | number | string | RawJson | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

declare global {
  // Part of ECMAScript since "JSON.parse source text access"; the compiler's library does not declare it yet.
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}

/** Keeps `text`, a JSON number, as it stands. */
export function rawJson(text: string): RawJson {
  return JSON.rawJSON(text);
}

export function isRawJson(value: unknown): value is RawJson {
  return JSON.isRawJSON(value);
}

/** True for a JSON object: not null, not an array, not a raw number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value);
}

export function isJsonArray(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value);
}
