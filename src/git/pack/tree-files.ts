// Which files of a commit belong to a module: every `.cue` file below the module's root, which is the nearest folder with
// `cue.mod` at or above the folder that was asked for, or that folder itself. Modules inside of that module are others'.
import git, { type PromiseFsClient, type TreeEntry } from 'isomorphic-git';
import { SourceError } from '../../errors.ts';
import type { GitLimits } from '../limits.ts';
import { GIT_FOLDER, objectFiles } from './object-files.ts';
import type { ObjectStore } from './object-store.ts';
import { TreeRules } from './tree-rules.ts';

export interface TreeQuery {
  readonly commit: string;
  /** Absent: the root of the repository. */
  readonly folder?: string;
  /** The repository, for messages. */
  readonly place: string;
  readonly limits: GitLimits['files'];
}

const MODULE_FOLDER = 'cue.mod';
/** Entries that are looked at: a few trees that hold each other many times over would else never end. */
const MAX_VISITED = 200_000;
const MAX_DEPTH = 64;
const SHOWN_FOLDERS = 10;

/** Looks into the tree of one commit. */
export class TreeFiles {
  readonly #query: TreeQuery;
  readonly #fs: PromiseFsClient;
  readonly #store: ObjectStore;
  readonly #rules: TreeRules;
  /** Names of the objects of files that belong to the module, by their paths in the repository. */
  readonly #found = new Map<string, string>();
  #visited = 0;

  constructor(store: ObjectStore, query: TreeQuery) {
    this.#store = store;
    this.#query = query;
    this.#fs = objectFiles(store);
    this.#rules = new TreeRules(query.place);
  }

  /**
   * The module's files, or the names of those whose content is not in the store.
   * @throws SourceError
   */
  async read(): Promise<
    { readonly files: Map<string, Uint8Array> } | { readonly missing: readonly string[] }
  > {
    const { place, folder } = this.#query;
    await this.#checkCommit();
    const { root, entries, hasModule } = await this.#moduleRoot();
    await this.#walk(root, entries, hasModule);
    if (this.#found.size === 0) {
      const where = folder === undefined ? place : `folder ${folder} of ${place}`;
      throw new SourceError('SOURCE_NOT_FOUND', `${where} has no .cue file`);
    }
    const missing = new Set([...this.#found.values()].filter((oid) => this.#store.sizeOf(oid) === undefined));
    if (missing.size > 0) return { missing: [...missing] };
    return { files: this.#contents() };
  }

  async #checkCommit(): Promise<void> {
    const { commit, place } = this.#query;
    const type = this.#store.read(commit)?.type;
    if (type === 'commit') return;
    if (type === undefined) throw new SourceError('SOURCE_CHANGED', `${place} did not send commit ${commit}`);
    throw new SourceError('SOURCE_INVALID', `${commit} of ${place} is a ${type}, not a commit`);
  }

  /** Down to the folder that was asked for, remembering the last `cue.mod` on the way. */
  async #moduleRoot(): Promise<{
    readonly root: string;
    readonly entries: readonly TreeEntry[];
    readonly hasModule: boolean;
  }> {
    let entries = await this.#entries(this.#query.commit, '');
    let at = { root: '', entries, hasModule: hasModule(entries) };
    const parts = this.#query.folder?.split('/') ?? [];
    for (const [index, part] of parts.entries()) {
      const path = parts.slice(0, index + 1).join('/');
      const next = entries.find((entry) => entry.path === part);
      if (next?.type !== 'tree') throw this.#noFolder(path, next, entries);
      entries = await this.#entries(next.oid, path);
      const isModule = hasModule(entries);
      if (isModule || !at.hasModule) at = { root: path, entries, hasModule: isModule };
    }
    return at;
  }

  async #walk(folder: string, entries: readonly TreeEntry[], isInModule: boolean): Promise<void> {
    for (const entry of entries) {
      const path = folder === '' ? entry.path : `${folder}/${entry.path}`;
      if (entry.type === 'tree') await this.#walkFolder(path, entry.oid, isInModule);
      else if (entry.type === 'commit') this.#checkSubmodule(path);
      else if (entry.path.endsWith('.cue')) this.#take(path, entry);
      else if (entry.path === MODULE_FOLDER) throw this.#rules.refusal(path, 'is not a folder');
    }
  }

  async #walkFolder(path: string, oid: string, isInModule: boolean): Promise<void> {
    if (path.split('/').length > MAX_DEPTH)
      throw this.#rules.refusal(path, `is over ${MAX_DEPTH} folders deep`);
    const entries = await this.#entries(oid, path);
    if (isInModule && hasModule(entries)) return;
    await this.#walk(path, entries, isInModule);
  }

  #take(path: string, entry: TreeEntry): void {
    const { maxEntries } = this.#query.limits;
    if (entry.mode === '120000') throw this.#rules.refusal(path, 'is a symbolic link, which is not followed');
    this.#rules.checkPath(path);
    if (this.#found.has(path)) throw this.#rules.refusal(path, 'is there twice');
    this.#found.set(path, entry.oid);
    if (this.#found.size > maxEntries) throw this.#tooLarge(`has over ${maxEntries} .cue files`);
  }

  #checkSubmodule(path: string): void {
    const { folder = '' } = this.#query;
    if (folder !== '' && !path.startsWith(`${folder}/`)) return;
    throw this.#rules.refusal(
      path,
      'is a submodule, which is not fetched: name a folder without it by ?path=',
    );
  }

  #contents(): Map<string, Uint8Array> {
    const { maxBytes, maxFileBytes } = this.#query.limits;
    const files = new Map<string, Uint8Array>();
    let bytes = 0;
    for (const [path, oid] of this.#found) {
      const size = this.#store.sizeOf(oid) ?? 0;
      bytes += size;
      if (size > maxFileBytes) throw this.#tooLarge(`has ${path} of ${size} bytes, over ${maxFileBytes}`);
      if (bytes > maxBytes) throw this.#tooLarge(`has over ${maxBytes} bytes of CUE`);
      const object = this.#store.read(oid);
      if (object?.type !== 'blob') throw this.#rules.refusal(path, 'is not a file');
      this.#rules.checkContent(path, object.content);
      files.set(path, Uint8Array.from(object.content));
    }
    return files;
  }

  async #entries(oid: string, path: string): Promise<readonly TreeEntry[]> {
    const { tree } = await this.#tree(oid, path);
    this.#visited += tree.length + 1;
    if (this.#visited > MAX_VISITED) throw this.#tooLarge(`has over ${MAX_VISITED} files and folders`);
    if (tree.some((entry) => entry.path === ''))
      throw this.#rules.refusal(path, 'holds an entry without a name');
    return tree;
  }

  async #tree(oid: string, path: string): Promise<{ readonly tree: readonly TreeEntry[] }> {
    try {
      return await git.readTree({ fs: this.#fs, gitdir: GIT_FOLDER, oid });
    } catch (cause) {
      if (cause instanceof git.Errors.UnsafeFilepathError) {
        throw this.#rules.refusal(path === '' ? 'the root' : path, 'holds a name that git forbids', cause);
      }
      throw this.#rules.refusal(path === '' ? 'the root' : path, 'is no folder that can be read', cause);
    }
  }

  #noFolder(path: string, entry: TreeEntry | undefined, siblings: readonly TreeEntry[]): SourceError {
    if (entry?.type === 'commit') return this.#rules.refusal(path, 'is a submodule, which is not fetched');
    if (entry?.mode === '120000')
      return this.#rules.refusal(path, 'is a symbolic link, which is not followed');
    const folders = siblings.filter(({ type }) => type === 'tree').map((sibling) => sibling.path);
    const shown = folders.slice(0, SHOWN_FOLDERS).map((name) => JSON.stringify(name).slice(1, -1));
    const known = shown.length === 0 ? 'there are no folders' : `there are ${shown.join(', ')}`;
    return new SourceError('SOURCE_NOT_FOUND', `${this.#query.place} has no folder ${path}: ${known}`);
  }

  #tooLarge(why: string): SourceError {
    return new SourceError(
      'SOURCE_TOO_LARGE',
      `${this.#query.place} ${why}: name a smaller module by ?path=`,
    );
  }
}

function hasModule(entries: readonly TreeEntry[]): boolean {
  return entries.some(({ path, type }) => path === MODULE_FOLDER && type === 'tree');
}
