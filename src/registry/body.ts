// Bodies as they are read: never more of them than was meant, and nothing unfolded before its depth is known.
import type { Hash } from 'node:crypto';
import { EgressError, type EgressStream } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json/index.ts';
import type { RegistryAnswer } from './transport.ts';

/** Deeper than any manifest; what is deeper is no manifest. */
const MAX_JSON_DEPTH = 32;
const BRACKETS: Readonly<Record<number, number>> = { 91: 1, 123: 1, 93: -1, 125: -1 };
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * All of a body.
 * @param tooLarge makes the error for one that has, or announces, more than `maxBytes`
 * @param hash takes the bytes as they come
 */
export async function readBody(
  { body, headers }: Pick<RegistryAnswer, 'body' | 'headers'>,
  maxBytes: number,
  tooLarge: () => SourceError,
  hash?: Hash,
): Promise<Buffer> {
  if (Number(headers.get('content-length')?.[0] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      hash?.update(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    throw isOverLimit(error) ? tooLarge() : error;
  }
  return Buffer.concat(chunks);
}

/** The page that comes with an error; nothing of one that is longer than what a registry says in its own words. */
export async function readErrorPage({ body }: Pick<EgressStream, 'body'>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) return Buffer.alloc(0);
      chunks.push(chunk);
    }
  } catch (error) {
    if (isOverLimit(error)) return Buffer.alloc(0);
    throw error;
  }
  return Buffer.concat(chunks);
}

function isOverLimit(error: unknown): boolean {
  return error instanceof EgressError && error.code === 'EGRESS_TOO_LARGE';
}

/** A JSON object in UTF-8. @throws SourceError `SOURCE_INVALID`; `subject` begins its message. */
export function readJsonObject(bytes: Uint8Array, subject: string): JsonObject {
  if (depthOf(bytes) > MAX_JSON_DEPTH)
    throw new SourceError('SOURCE_INVALID', `${subject} is nested more than ${MAX_JSON_DEPTH} deep`);
  try {
    const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new SourceError('SOURCE_INVALID', `${subject} is no JSON object`);
}

function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (isText && byte === BACKSLASH) index += 1;
    else if (byte === QUOTE) isText = !isText;
    else if (!isText) depth += BRACKETS[byte] ?? 0;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
