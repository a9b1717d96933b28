// One entry of the cache as a file: a line of JSON that says what follows, then the content. Nothing in a file is
// believed: format, key, length and SHA-256 are compared on every read, and a file that is not exactly what was written
// for this key is reported as such. A file is written under another name, flushed, and only then gets its own, so that
// no reader, in this process or another, sees half of one, whenever the writer dies.
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Most bytes of one entry. */
const MAX_ENTRY_BYTES = 64 * 2 ** 20;
/** Most bytes of the line before the content. */
const MAX_HEADER_BYTES = 16 * 1024;
const FORMAT_VERSION = 1;
const NEWLINE = 0x0a;

const ENTRY_NAME = /^[0-9a-f]{64}$/;
const TEMPORARY_NAME = /^\.[0-9a-f]{64}\.[0-9a-f]{16}\.tmp$/;
// A link is not followed, and a pipe is not waited for.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What was found under an entry's name. */
export type EntryRead =
  | {
      readonly state: 'good';
      readonly bytes: Uint8Array;
      readonly fileBytes: number;
      readonly usedAtMs: number;
    }
  | { readonly state: 'missing' }
  /** Something else than what was written: `problem` says what. */
  | { readonly state: 'corrupt'; readonly problem: string };

/** File name of a key's entry. */
export function entryName(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function isEntryName(name: string): boolean {
  return ENTRY_NAME.test(name);
}

/** A new name, unlike any other's, under which an entry is written. */
export function temporaryName(entry: string): string {
  return `.${entry}.${randomBytes(8).toString('hex')}.tmp`;
}

export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

/** Bytes that an entry takes as a file; undefined where key or content are too large for one. */
export function entryFileBytes(key: string, bytes: Uint8Array): number | undefined {
  const headerBytes = header(key, bytes.length, '0'.repeat(64)).length;
  const fits = headerBytes <= MAX_HEADER_BYTES && bytes.length <= MAX_ENTRY_BYTES;
  return fits ? headerBytes + bytes.length : undefined;
}

/** Writes the entry whole, or not at all. @throws what the file system says. */
export async function writeEntry(
  folder: string,
  key: string,
  bytes: Uint8Array,
  usedAtMs: number,
): Promise<void> {
  const name = entryName(key);
  const temporary = join(folder, temporaryName(name));
  const head = header(key, bytes.length, sha256(bytes));
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(head);
      await file.writeFile(bytes);
      await file.utimes(usedAtMs / 1_000, usedAtMs / 1_000);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, name));
  } catch (error) {
    await removeFile(temporary);
    throw error;
  }
}

/** Reads the entry of a key and holds it against all that is known of it. @throws what the file system says. */
export async function readEntry(folder: string, key: string): Promise<EntryRead> {
  let file: FileHandle;
  try {
    file = await open(join(folder, entryName(key)), READ_FLAGS);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { state: 'missing' };
    // ENXIO: a socket.
    if (hasCode(error, 'ELOOP', 'ENXIO')) return { state: 'corrupt', problem: 'it is no regular file' };
    throw error;
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) return { state: 'corrupt', problem: 'it is no regular file' };
    if (status.size > MAX_ENTRY_BYTES + MAX_HEADER_BYTES) {
      return { state: 'corrupt', problem: 'it is too large' };
    }
    return verified(await readAll(file, status.size), key, status.mtimeMs);
  } finally {
    await file.close();
  }
}

/** Deletes a file or a link, whatever it leads to. What is gone, or can't be deleted, is left. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch {
    return false;
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}

async function readAll(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(buffer, filled, size - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function verified(data: Buffer, key: string, usedAtMs: number): EntryRead {
  const end = data.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  const bytes = data.subarray(end + 1);
  // The line for this key, this length and this content is known; nothing needs to be parsed.
  const isWhole = end >= 0 && data.subarray(0, end + 1).equals(header(key, bytes.length, sha256(bytes)));
  if (isWhole) return { state: 'good', bytes, fileBytes: data.length, usedAtMs };
  return { state: 'corrupt', problem: 'format, key, length or checksum differ' };
}

function header(key: string, bytes: number, checksum: string): Buffer {
  return Buffer.from(`${JSON.stringify({ version: FORMAT_VERSION, key, sha256: checksum, bytes })}\n`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
