// The objects of packs, by their names. A name is the hash of what is there, computed here, so that whoever starts at the
// right commit reads nothing that another put in. Objects are made when they are read; few are kept.
import { LRUCache } from 'lru-cache';
import type { PackLimits } from '../limits.ts';
import { applyDelta } from './delta.ts';
import { PackError } from './pack-error.ts';
import { type GitObjectType, inflated, objectId, type PackEntry, scanPack } from './scan.ts';

export interface GitObject {
  readonly type: GitObjectType;
  readonly content: Buffer;
}

/** What is known of an entry once its object could be made. */
interface Known {
  readonly pack: Buffer;
  readonly type: GitObjectType;
  readonly depth: number;
  /** Of a delta. Fixed once: a name may come to stand for a later entry with the same content. */
  readonly base?: PackEntry;
}

const CACHE_BYTES = 32 * 1024 * 1024;

export class ObjectStore {
  readonly #limits: PackLimits;
  readonly #byName = new Map<string, PackEntry>();
  readonly #known = new Map<PackEntry, Known>();
  readonly #contents = new LRUCache<PackEntry, Buffer>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (content) => content.length + 1,
  });

  /** @throws PackError */
  constructor(packs: readonly Buffer[], limits: PackLimits) {
    this.#limits = limits;
    const deltas = packs.flatMap((pack) => this.#addWhole(pack));
    this.#resolve(deltas);
  }

  /** How many objects there are. */
  get size(): number {
    return this.#byName.size;
  }

  /** How large an object is, without making it. */
  sizeOf(oid: string): number | undefined {
    const entry = this.#byName.get(oid);
    return entry === undefined ? undefined : entry.kind === 'whole' ? entry.size : entry.resultSize;
  }

  read(oid: string): GitObject | undefined {
    const entry = this.#byName.get(oid);
    const known = entry === undefined ? undefined : this.#known.get(entry);
    if (entry === undefined || known === undefined) return undefined;
    return { type: known.type, content: this.#content(entry) };
  }

  #addWhole(pack: Buffer): readonly (readonly [pack: Buffer, delta: PackEntry])[] {
    const deltas: (readonly [Buffer, PackEntry])[] = [];
    for (const entry of scanPack(pack, this.#limits)) {
      if (entry.kind === 'delta') {
        deltas.push([pack, entry]);
        continue;
      }
      this.#byName.set(entry.oid, entry);
      this.#known.set(entry, { pack, type: entry.type, depth: 0 });
    }
    return deltas;
  }

  /** Round by round, since a base that is given by its name may come later; as many rounds as deltas may be deep. */
  #resolve(deltas: readonly (readonly [pack: Buffer, delta: PackEntry])[]): void {
    let pending = deltas;
    while (pending.length > 0) {
      const left = pending.filter(([pack, entry]) => !this.#addDelta(pack, entry));
      if (left.length === pending.length) {
        throw new PackError('it has deltas whose bases are not in it, or go in a circle');
      }
      pending = left;
    }
  }

  #addDelta(pack: Buffer, entry: PackEntry): boolean {
    if (entry.kind === 'whole') return true;
    const base = typeof entry.base === 'string' ? this.#byName.get(entry.base) : entry.base;
    const known = base === undefined ? undefined : this.#known.get(base);
    if (base === undefined || known === undefined) return false;
    const depth = known.depth + 1;
    if (depth > this.#limits.maxDepth) {
      throw new PackError(`it has a chain of over ${this.#limits.maxDepth} deltas`, true);
    }
    this.#known.set(entry, { pack, type: known.type, depth, base });
    const name = objectId(known.type, this.#content(entry));
    if (!this.#byName.has(name)) this.#byName.set(name, entry);
    return true;
  }

  /** From the nearest content that is kept, delta by delta; a chain can be long, so this does not call itself. */
  #content(entry: PackEntry): Buffer {
    const chain: PackEntry[] = [];
    let content: Buffer | undefined;
    let at: PackEntry | undefined = entry;
    while (at !== undefined) {
      content = this.#contents.get(at);
      if (content !== undefined) break;
      chain.push(at);
      at = this.#known.get(at)?.base;
    }
    for (const next of chain.reverse()) {
      const bytes = inflated(this.#packOf(next), next);
      content = content === undefined ? bytes : applyDelta(content, bytes);
      this.#contents.set(next, content);
    }
    if (content === undefined) throw new PackError('it has an object that can’t be made');
    return content;
  }

  #packOf(entry: PackEntry): Buffer {
    const known = this.#known.get(entry);
    if (known === undefined) throw new PackError('it has an object that can’t be made');
    return known.pack;
  }
}
