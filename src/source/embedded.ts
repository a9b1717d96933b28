// The CUE that ships with the operator: the module pequod.io@v0 with the packages that any module may import, the
// default policies, and the platform types. It is read once, at start.
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { CueRef } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import type { ModuleSource, Resolution } from './module-source.ts';
import { type ModuleTree, moduleTree } from './module-tree.ts';

const PLATFORM = 'platform/';
const POLICY = 'policy/';

/** What the operator's own `cue` folder holds. */
export interface EmbeddedLibrary {
  /** Names of the platform types, sorted. */
  readonly types: readonly string[];
  /** The packages that every module may import as `pequod.io/…@v0`, with the module file. */
  readonly common: ModuleTree;
  /** `common` and the default policies in `policy/`. */
  readonly policies: ModuleTree;
  /** `common` and one type in `platform/<type>/`, so that a change of one type does not touch the others' digests. */
  readonly tree: (type: string) => ModuleTree | undefined;
}

/** Reads all `.cue` files below `directory`. */
export async function loadEmbeddedLibrary(directory: string): Promise<EmbeddedLibrary> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files: (readonly [string, string])[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.cue')) continue;
    const file = join(entry.parentPath, entry.name);
    const path = relative(directory, file).split(sep).join('/');
    if (!path.startsWith('testdata/')) files.push([path, await readFile(file, 'utf8')]);
  }
  return embeddedLibrary(files);
}

/** The library of the given files. */
export function embeddedLibrary(
  files: readonly (readonly [path: string, content: string])[],
): EmbeddedLibrary {
  const common = files.filter(([path]) => !path.startsWith(PLATFORM) && !path.startsWith(POLICY));
  const treeOf = (folder: string): ModuleTree =>
    moduleTree([...common, ...files.filter(([path]) => path.startsWith(folder))]);
  const types = new Set<string>();
  for (const [path] of files) {
    const [type, file] = path.startsWith(PLATFORM) ? path.slice(PLATFORM.length).split('/') : [];
    if (type !== undefined && file !== undefined) types.add(type);
  }
  const trees = new Map([...types].sort().map((type) => [type, treeOf(`${PLATFORM}${type}/`)]));
  return {
    types: [...trees.keys()],
    common: moduleTree(common),
    policies: treeOf(POLICY),
    tree: (type) => trees.get(type),
  };
}

/** Platform types that ship with the operator. */
export class EmbeddedSource implements ModuleSource {
  readonly #library: EmbeddedLibrary;

  constructor(library: EmbeddedLibrary) {
    this.#library = library;
  }

  async resolve(ref: CueRef): Promise<Resolution> {
    return { digest: this.#tree(ref).digest };
  }

  async fetch(ref: CueRef): Promise<ModuleTree> {
    return this.#tree(ref);
  }

  readonly packageRoot = (ref: CueRef): string => `${PLATFORM}${ref.ref}`;

  #tree(ref: CueRef): ModuleTree {
    const tree = this.#library.tree(ref.ref);
    if (tree !== undefined) return tree;
    throw new SourceError(
      'SOURCE_NOT_FOUND',
      `there is no embedded platform type ${JSON.stringify(ref.ref)}: there are ${this.#library.types.join(', ')}`,
      { retry: 'never' },
    );
  }
}
