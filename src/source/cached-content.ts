// Modules in the cache of bytes. A tree is written down in one form only, and its digest is computed anew when it is
// read: what comes out of the cache is the module that went in, or is fetched again.
import type { ByteCache, Wanted } from '../cache/index.ts';
import { SourceError } from '../errors.ts';
import { type ModuleTree, moduleTree, type TreeLimits } from './module-tree.ts';

const FORMAT = 'pequod-tree-1';
/** What was taken once is taken again: its limits were looked at then. */
const NO_LIMITS: TreeLimits = { maxBytes: Number.POSITIVE_INFINITY, maxFiles: Number.POSITIVE_INFINITY };

/** Trees by key, fetched once for all who ask at the same time. */
export class CachedContent {
  readonly #cache: ByteCache;

  constructor(cache: ByteCache) {
    this.#cache = cache;
  }

  /**
   * The tree that is kept under the key, else the one that `load` yields. The key names the content for good, and holds
   * no secret. Who may have it was asked before: see `Grants`.
   * @throws what `load` throws, and the signal's reason
   */
  async treeThrough(
    wanted: Wanted,
    load: (signal: AbortSignal) => Promise<ModuleTree>,
    signal: AbortSignal,
  ): Promise<ModuleTree> {
    const fetch = async (given: AbortSignal): Promise<Uint8Array> => encodeTree(await load(given));
    const kept = decodeTree(await this.#cache.through(wanted, fetch, signal));
    if (kept !== undefined) return kept;
    // Written by an operator of another version, or by somebody else.
    await this.#cache.delete(wanted.key);
    const fetched = decodeTree(await this.#cache.through(wanted, fetch, signal));
    if (fetched !== undefined) return fetched;
    throw new SourceError('SOURCE_DIGEST', 'the module that was fetched is not what its digest says');
  }
}

/** JSON of the files in code unit order of their paths. */
export function encodeTree(tree: ModuleTree): Uint8Array {
  const files = [...tree.files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Buffer.from(JSON.stringify([FORMAT, tree.digest, files]));
}

/** Undefined where the bytes are no tree, or one with another digest. */
export function decodeTree(bytes: Uint8Array): ModuleTree | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    if (!Array.isArray(value) || value[0] !== FORMAT || !isFileList(value[2])) return undefined;
    const tree = moduleTree(value[2], NO_LIMITS);
    return tree.digest === value[1] ? tree : undefined;
  } catch (error) {
    // Text that is no JSON, or a path that no module may have.
    if (error instanceof SyntaxError || error instanceof SourceError) return undefined;
    throw error;
  }
}

function isFileList(value: unknown): value is readonly (readonly [path: string, content: string])[] {
  const isFile = (item: unknown): boolean =>
    Array.isArray(item) && item.length === 2 && item.every((part) => typeof part === 'string');
  return Array.isArray(value) && value.every(isFile);
}
