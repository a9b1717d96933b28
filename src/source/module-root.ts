// Where a module begins in what was fetched. A repository, or a tar of one, may hold many modules; the one that a package
// belongs to starts at the nearest folder, at the package's own or above it, that has `cue.mod/module.cue`, as CUE has it.
// Imports inside of the module, and what it vendors, are found from there.
import { isReadByCue, MODULE_FILE } from './cue-files.ts';
import { type ModuleTree, moduleTree } from './module-tree.ts';

/** What was taken once is taken again. */
const NO_LIMITS = { maxBytes: Number.POSITIVE_INFINITY, maxFiles: Number.POSITIVE_INFINITY };

export interface RootedModule {
  readonly tree: ModuleTree;
  /** Folder of the package within that tree: `.` or `a/b`. */
  readonly packagePath: string;
}

/** The module that the package in a folder of a tree belongs to; the whole tree where there is no module file. */
export function atModuleRoot(tree: ModuleTree, folder: string): RootedModule {
  const root = moduleRoot(tree, folder);
  if (root === '.') return { tree, packagePath: folder };
  const prefix = `${root}/`;
  const files = [...tree.files].flatMap(([path, content]) => {
    const below = path.startsWith(prefix) ? path.slice(prefix.length) : '';
    return isReadByCue(below) ? [[below, content] as const] : [];
  });
  return {
    tree: moduleTree(files, NO_LIMITS),
    packagePath: folder === root ? '.' : folder.slice(prefix.length),
  };
}

function moduleRoot({ files }: ModuleTree, folder: string): string {
  for (let at = folder; at !== '.'; at = parentOf(at)) if (files.has(`${at}/${MODULE_FILE}`)) return at;
  return '.';
}

function parentOf(folder: string): string {
  const slash = folder.lastIndexOf('/');
  return slash < 0 ? '.' : folder.slice(0, slash);
}
