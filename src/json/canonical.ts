import { createHash } from 'node:crypto';
import { isJsonArray, isRawJson, type JsonValue } from './value.ts';

/** JSON text with keys in code unit order and without white space: equal values have equal text. */
export function canonicalJson(value: JsonValue | undefined): string {
  if (value === undefined) return 'null';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isRawJson(value)) return value.rawJSON;
  if (isJsonArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** `sha256:<64 hex digits>` of the canonical text. */
export function hashJson(value: JsonValue | undefined): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}

/** The first 16 bytes of the SHA-256 of the canonical text as base64url (22 characters): for per-object hashes in status. */
export function shortHashJson(value: JsonValue | undefined): string {
  return createHash('sha256').update(canonicalJson(value)).digest().subarray(0, 16).toString('base64url');
}
