// The files of a folder that CUE's tools publish, found without following a link: a link may lead to what is not meant to
// be published.
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import { MODULE_FILE } from '../source/index.ts';
import { fileNameProblem } from './file-name.ts';

const VERSION_CONTROL: ReadonlySet<string> = new Set(['.bzr', '.git', '.hg', '.svn']);
/** Of those that work on the module, or put there by a tool that packs it. */
const NEVER_PUBLISHED: ReadonlySet<string> = new Set(['.hg_archival.txt', 'cue.mod/local-module.cue']);
const VENDOR = 'cue.mod/vendor';

export interface ModuleFolder {
  readonly files: FileMap;
  /** What was left out, with the reason: `b: has a cue.mod of its own`. Sorted. */
  readonly leftOut: readonly string[];
}

/**
 * Reads a module from a folder.
 * @throws SourceError `SOURCE_NOT_FOUND` where there is no such folder, `SOURCE_INVALID` where it is no module or has a
 * file that CUE would not take, `SOURCE_TOO_LARGE` where no operator would
 */
export async function readModuleFolder(
  folder: string,
  signal: AbortSignal,
  limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
): Promise<ModuleFolder> {
  const walk = new Walk(folder, limits, signal);
  try {
    await walk.visit('');
  } catch (error) {
    if (isMissing(error)) {
      throw new SourceError('SOURCE_NOT_FOUND', `there is no folder ${folder}`, { cause: error });
    }
    throw error;
  }
  if (!walk.files.has(MODULE_FILE)) {
    throw new SourceError(
      'SOURCE_INVALID',
      `${folder} has no ${MODULE_FILE}: make one with "cue mod init example.com/my/module@v0"`,
    );
  }
  return { files: walk.files, leftOut: walk.leftOut.sort() };
}

class Walk {
  readonly files = new Map<string, Uint8Array>();
  readonly leftOut: string[] = [];
  readonly #root: string;
  readonly #limits: ArchiveLimits;
  readonly #signal: AbortSignal;
  #bytes = 0;

  constructor(root: string, limits: ArchiveLimits, signal: AbortSignal) {
    this.#root = root;
    this.#limits = limits;
    this.#signal = signal;
  }

  /** `folder` ends in a slash, or is the empty root. */
  async visit(folder: string): Promise<void> {
    this.#signal.throwIfAborted();
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true });
    if (folder !== '' && entries.some(({ name }) => name.toLowerCase() === 'cue.mod')) {
      this.leftOut.push(`${folder}: has a cue.mod of its own`);
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${folder}${entry.name}`;
      const reason = reasonAgainst(entry, path);
      if (reason !== undefined) this.leftOut.push(`${path}: ${reason}`);
      else if (entry.isDirectory()) await this.visit(`${path}/`);
      else await this.#take(path);
    }
  }

  async #take(path: string): Promise<void> {
    const problem = fileNameProblem(path);
    if (problem !== undefined) {
      throw new SourceError(
        'SOURCE_INVALID',
        `file ${JSON.stringify(path)} can't be in a module: ${problem}`,
      );
    }
    const { maxBytes, maxFileBytes, maxEntries } = this.#limits;
    if (this.files.size >= maxEntries) throw tooLarge(`the module has more than ${maxEntries} files`);
    const { size } = await stat(join(this.#root, path));
    if (size > maxFileBytes) {
      throw tooLarge(`file ${path} has ${size} bytes, at most ${maxFileBytes} are taken`);
    }
    this.#bytes += size;
    if (this.#bytes > maxBytes) throw tooLarge(`the module has more than ${maxBytes} bytes`);
    this.files.set(path, await readFile(join(this.#root, path)));
  }
}

function reasonAgainst(entry: Dirent, path: string): string | undefined {
  if (entry.isSymbolicLink()) return 'is a link';
  if (entry.isDirectory()) {
    if (VERSION_CONTROL.has(entry.name)) return 'is of version control';
    return path === VENDOR ? 'is vendored' : undefined;
  }
  if (!entry.isFile()) return 'is no regular file';
  return NEVER_PUBLISHED.has(path) ? 'is never published' : undefined;
}

function tooLarge(message: string): SourceError {
  return new SourceError('SOURCE_TOO_LARGE', message);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
