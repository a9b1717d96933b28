// The folder that the operator was given for its cache. It must be ours alone: checksums find what was damaged, but
// whoever can write there could put a module of his own, with a checksum that fits, in the place of any other.
import { lstat, lutimes, mkdir, open, opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PequodError } from '../errors.ts';
import { entryName, hasCode, isEntryName, isTemporaryName, removeFile, temporaryName } from './entry-file.ts';

const WRITABLE_BY_OTHERS = 0o022;
const ROOT_UID = 0;
/** No write takes this long: what is older was left by a process that is gone. */
const LEFTOVER_MS = 10 * 60_000;

/** A file of an entry, as found. */
export interface FoundEntry {
  readonly name: string;
  readonly bytes: number;
  readonly usedAtMs: number;
}

/** The folder for the cache can't be used as it is: the operator does not start. */
export class CacheFolderError extends PequodError {
  constructor(message: string) {
    super(message, { code: 'CACHE_FOLDER_UNSAFE', reason: 'CacheFolderUnsafe', retry: 'never' });
  }
}

/**
 * Makes the folder where it is missing and finds out whether it can be used.
 * @returns its real path
 * @throws CacheFolderError where others may write to it; what the file system says where we can't
 */
export async function openCacheFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = await realpath(folder);
  const { mode, uid } = await stat(path);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new CacheFolderError(
      `others may write to the cache folder ${folder} (mode ${(mode & 0o7777).toString(8)}): ` +
        'take the right to write from group and others, or name a folder inside it, which is then made',
    );
  }
  const ownUid = await writeProbe(path);
  if (uid !== ownUid && uid !== ROOT_UID) {
    throw new CacheFolderError(`the cache folder ${folder} belongs to user ${uid}, and we are ${ownUid}`);
  }
  return path;
}

/** Tries whether a file can be made. @returns who we are, as the file system sees it. */
async function writeProbe(folder: string): Promise<number> {
  const path = join(folder, temporaryName(entryName('')));
  const file = await open(path, 'wx', 0o600);
  try {
    return (await file.stat()).uid;
  } finally {
    await file.close();
    await removeFile(path);
  }
}

/**
 * The entries in the folder, by name and size alone, least recently used first. Removes what writers have left that are
 * long gone; every other file is somebody else's, and is left alone.
 */
export async function scanCacheFolder(folder: string, nowMs: number): Promise<readonly FoundEntry[]> {
  const found: FoundEntry[] = [];
  for await (const entry of await opendir(folder)) {
    const { name } = entry;
    if (!entry.isFile() || !(isEntryName(name) || isTemporaryName(name))) continue;
    const status = await statusOf(join(folder, name));
    if (status === undefined) continue;
    if (isEntryName(name)) {
      found.push({
        name,
        bytes: status.bytes,
        usedAtMs: await pastUse(folder, name, status.usedAtMs, nowMs),
      });
    } else if (nowMs - status.usedAtMs > LEFTOVER_MS) {
      await removeFile(join(folder, name));
    }
  }
  return found.sort((a, b) => a.usedAtMs - b.usedAtMs);
}

/** A time to come was written by another clock, and must not keep the entry for ever: it becomes now. */
async function pastUse(folder: string, name: string, usedAtMs: number, nowMs: number): Promise<number> {
  if (usedAtMs <= nowMs) return usedAtMs;
  try {
    await lutimes(join(folder, name), nowMs / 1_000, nowMs / 1_000);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return nowMs;
}

/** Size and last use of a file; undefined where it has gone meanwhile. */
export async function statusOf(
  path: string,
): Promise<{ readonly bytes: number; readonly usedAtMs: number } | undefined> {
  try {
    const { size, mtimeMs } = await lstat(path);
    return { bytes: size, usedAtMs: mtimeMs };
  } catch {
    return undefined;
  }
}
