// Of what is published as a module, the part that CUE reads. Everything else (README, LICENSE, a Makefile) may be there
// and is left out, so that a tree's digest changes only when the module does.
import type { FileMap } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import { DEFAULT_TREE_LIMITS, type ModuleTree, moduleTree, type TreeLimits } from './module-tree.ts';

/** Path of the file that makes a folder a module. */
export const MODULE_FILE = 'cue.mod/module.cue';

/** Below `cue.mod`, CUE reads this, and packages that were put there by hand or generated. */
const READ_BELOW_CUE_MOD = /^cue\.mod\/(module\.cue$|(?:pkg|gen|usr)\/)/;

/** A byte order mark stays: CUE takes it, and a file keeps its bytes. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The tree of those files that CUE reads.
 * @param place what the files are of, for messages: `the archive`
 * @throws SourceError `SOURCE_INVALID` where there is none, or one is not UTF-8; as {@link moduleTree} besides
 */
export function cueTree(files: FileMap, place: string, limits: TreeLimits = DEFAULT_TREE_LIMITS): ModuleTree {
  const kept = [...files].flatMap(([path, bytes]) =>
    isReadByCue(path) ? [[path, cueText(path, bytes)] as const] : [],
  );
  if (kept.length > 0) return moduleTree(kept, limits);
  const paths = [...files.keys()].slice(0, 20).join(', ');
  throw new SourceError(
    'SOURCE_INVALID',
    `${place} has no .cue file: it has ${paths === '' ? 'no files' : paths}`,
  );
}

/** Whether a file, by its path in its module, is one that CUE reads. */
export function isReadByCue(path: string): boolean {
  return path.endsWith('.cue') && (!path.startsWith('cue.mod/') || READ_BELOW_CUE_MOD.test(path));
}

function cueText(path: string, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new SourceError('SOURCE_INVALID', `file ${path} is not UTF-8 text, as CUE files are`, {
      cause: error,
    });
  }
}
