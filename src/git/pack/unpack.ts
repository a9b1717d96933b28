// What the worker does with packs: a pure question with a plain answer. Nothing in it waits for anything but itself.
import { type PequodError, type Retry, SourceError, type SourceErrorCode } from '../../errors.ts';
import type { PackLimits } from '../limits.ts';
import { ObjectStore } from './object-store.ts';
import { PackError } from './pack-error.ts';
import { TreeFiles, type TreeQuery } from './tree-files.ts';

export interface UnpackQuestion {
  readonly type: 'unpack';
  readonly packs: readonly Uint8Array<ArrayBuffer>[];
  readonly packLimits: PackLimits;
  readonly tree: TreeQuery;
}

export type UnpackAnswer =
  | { readonly files: ReadonlyMap<string, Uint8Array> }
  /** These are needed, and are in none of the packs. */
  | { readonly missing: readonly string[] }
  | { readonly failure: UnpackFailure };

/** A SourceError, as it can cross between threads. */
export interface UnpackFailure {
  readonly code: SourceErrorCode;
  readonly message: string;
  readonly retry: Retry;
}

/** Never rejects for what is wrong with the packs. */
export async function unpack({ packs, packLimits, tree }: UnpackQuestion): Promise<UnpackAnswer> {
  try {
    const buffers = packs.map((pack) => Buffer.from(pack.buffer, pack.byteOffset, pack.length));
    return await new TreeFiles(new ObjectStore(buffers, packLimits), tree).read();
  } catch (error) {
    return { failure: failureOf(error, tree.place) };
  }
}

function failureOf(error: unknown, place: string): UnpackFailure {
  const found = error instanceof PackError ? packFailure(error, place) : error;
  if (!(found instanceof SourceError)) throw error;
  return { code: found.code, message: found.message, retry: found.retry };
}

function packFailure(error: PackError, place: string): PequodError {
  const cause = error;
  if (!error.isTooLarge)
    return new SourceError('SOURCE_INVALID', `the pack of ${place} is broken: ${error.message}`, { cause });
  const message = `the pack of ${place} is too large: ${error.message}: put modules into a repository of their own`;
  return new SourceError('SOURCE_TOO_LARGE', message, { cause });
}
