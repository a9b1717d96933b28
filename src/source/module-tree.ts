// A module in memory. Its digest covers the paths and the bytes of all files and nothing else, so that the same content
// is the same module wherever it came from, and a moved timestamp or a renamed ConfigMap is no change.
import { createHash } from 'node:crypto';
import { SourceError } from '../errors.ts';

/** The files of one module, by path with forward slashes, relative to the module's root. */
export interface ModuleTree {
  /** `sha256:<64 hex digits>`, see {@link treeDigest}. */
  readonly digest: string;
  readonly files: ReadonlyMap<string, string>;
}

/** What a module may have at most. */
export interface TreeLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export const DEFAULT_TREE_LIMITS: TreeLimits = { maxBytes: 4 * 1024 * 1024, maxFiles: 1000 };

/**
 * Builds a tree from its files.
 * @throws SourceError `SOURCE_TOO_LARGE` when it is over the limits, `SOURCE_INVALID` when a path could leave the tree.
 */
export function moduleTree(
  files: Iterable<readonly [path: string, content: string]>,
  limits: TreeLimits = DEFAULT_TREE_LIMITS,
): ModuleTree {
  const byPath = new Map<string, string>();
  let bytes = 0;
  for (const [path, content] of files) {
    checkRelativePath(path);
    byPath.set(path, content);
    bytes += Buffer.byteLength(content);
  }
  if (bytes > limits.maxBytes) {
    throw new SourceError(
      'SOURCE_TOO_LARGE',
      `the module has ${bytes} bytes, at most ${limits.maxBytes} are taken`,
    );
  }
  if (byPath.size > limits.maxFiles) {
    throw new SourceError(
      'SOURCE_TOO_LARGE',
      `the module has ${byPath.size} files, at most ${limits.maxFiles} are taken`,
    );
  }
  return { digest: treeDigest(byPath), files: byPath };
}

/** SHA-256 over path, length and bytes of every file, in code unit order of the paths. */
export function treeDigest(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    hash.update(`${path}\0${Buffer.byteLength(content)}\0`);
    hash.update(content);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** Bytes of all files together. */
export function treeBytes(tree: ModuleTree): number {
  let bytes = 0;
  for (const [path, content] of tree.files) bytes += path.length + Buffer.byteLength(content);
  return bytes;
}

/**
 * The folder of a package as the evaluator takes it: `.` for the root, else `a/b`. `path` is seen from `root`, a folder
 * of the tree.
 * @throws SourceError `SOURCE_INVALID` when the path is absolute or leaves the tree, `SOURCE_NOT_FOUND` when the tree
 * has no `.cue` file in that folder; the message lists the folders that have.
 */
export function packageFolder(tree: ModuleTree, path: string | undefined, root: string = '.'): string {
  const below = normaliseFolder(path ?? '.');
  const folder = root === '.' ? below : below === '.' ? root : `${root}/${below}`;
  const folders = packageFolders(tree);
  if (folders.includes(folder)) return folder;
  const known = folders.length === 0 ? 'it has none' : `it has ${folders.slice(0, 20).join(', ')}`;
  throw new SourceError(
    'SOURCE_NOT_FOUND',
    `the module has no package in ${folder === '.' ? 'its root folder' : `folder ${folder}`}: ${known}`,
  );
}

function normaliseFolder(path: string): string {
  const folder = path.replace(/^(\.\/)+/, '').replace(/(?<=[^/])\/+$/, '');
  if (folder === '' || folder === '.') return '.';
  checkRelativePath(folder);
  return folder;
}

/** Folders with at least one `.cue` file, sorted; no `cue.mod` is a package. */
export function packageFolders(tree: ModuleTree): readonly string[] {
  const folders = new Set<string>();
  for (const path of tree.files.keys()) {
    if (!path.endsWith('.cue') || /(^|\/)cue\.mod\//.test(path)) continue;
    const slash = path.lastIndexOf('/');
    folders.add(slash < 0 ? '.' : path.slice(0, slash));
  }
  return [...folders].sort();
}

function checkRelativePath(path: string): void {
  const segments = path.split('/');
  const isSafe =
    !path.includes('\\') &&
    !path.includes('\0') &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (!isSafe) {
    throw new SourceError(
      'SOURCE_INVALID',
      `path ${JSON.stringify(path)} must be relative and stay in the module`,
      {
        retry: 'never',
      },
    );
  }
}
