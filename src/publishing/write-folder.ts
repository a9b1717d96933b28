// Files of strangers, put on a disk. Everything is written into a folder of our own first and renamed into place when it
// is whole, so that an interruption leaves either nothing or all of it. Paths are checked once more, here, where they
// become real; no link on the way is followed.
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EntryNames, type FileMap } from '../archive/index.ts';
import { SourceError } from '../errors.ts';

export interface WriteOptions {
  /** Whether files that are there are replaced; others stay in any case. */
  readonly isReplacing: boolean;
}

/**
 * Writes files into a folder that is new or empty.
 * @returns `occupied` where it has something, which was left alone
 * @throws SourceError `SOURCE_INVALID` where a path must not be written
 */
export async function writeFolder(
  folder: string,
  files: FileMap,
  { isReplacing }: WriteOptions,
  signal: AbortSignal,
): Promise<'written' | 'occupied'> {
  checkPaths(files);
  const target = resolve(folder);
  const state = await stateOf(target);
  if (state === 'occupied' && !isReplacing) return 'occupied';
  await mkdir(dirname(target), { recursive: true });
  const staging = join(dirname(target), `.${basename(target)}-${randomBytes(6).toString('hex')}`);
  await mkdir(staging);
  try {
    for (const [path, content] of files) {
      signal.throwIfAborted();
      await mkdir(dirname(join(staging, path)), { recursive: true });
      await writeFile(join(staging, path), content, { flag: 'wx' });
    }
    signal.throwIfAborted();
    if (state === 'occupied') await moveInto(target, staging, files);
    // A rename takes the place of an empty folder, and of nothing else.
    else await rename(staging, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return 'written';
}

function checkPaths(files: FileMap): void {
  const names = new EntryNames('file');
  for (const path of files.keys()) {
    names.add(path, false);
    // Git runs programs that its own folder names.
    const hidden = path.split('/').find((part) => /^(\.git|git~\d+)[ .]*$/i.test(part));
    if (hidden !== undefined) {
      throw new SourceError(
        'SOURCE_INVALID',
        `file ${JSON.stringify(path)} would be git's own, and is not written`,
      );
    }
  }
}

async function stateOf(target: string): Promise<'new' | 'empty' | 'occupied'> {
  const found = await lookAt(target);
  if (found === undefined) return 'new';
  if (!found.isDirectory()) throw new SourceError('SOURCE_INVALID', `${target} is no folder`);
  return (await readdir(target)).length === 0 ? 'empty' : 'occupied';
}

/** What is there, links not followed; undefined for nothing. */
async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** File by file: each is there whole, old or new. */
async function moveInto(target: string, staging: string, files: FileMap): Promise<void> {
  for (const path of files.keys()) await checkWay(target, path);
  for (const path of files.keys()) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await rename(join(staging, path), join(target, path));
  }
}

/** @throws SourceError where a part of the way is no real folder, or the file is one */
async function checkWay(target: string, path: string): Promise<void> {
  const parts = path.split('/');
  for (let length = 1; length <= parts.length; length += 1) {
    const way = join(target, ...parts.slice(0, length));
    const found = await lookAt(way);
    if (found === undefined) return;
    const isWhole = length === parts.length;
    if (isWhole ? found.isDirectory() : !found.isDirectory()) {
      throw new SourceError('SOURCE_INVALID', `${way} is in the way of file ${JSON.stringify(path)}`);
    }
  }
}
