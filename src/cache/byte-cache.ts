// Content by key, in memory over a disk. A key names its content for good (a digest, a commit), so that nothing in here
// can be out of date. The cache is a help and never a condition: where the disk fails, content is served from memory
// and from where it came from, and a warning says so now and then. Keys are written to the disk as they are and hold no
// secret; who may have what is not decided here (see grants.ts).
import { LRUCache } from 'lru-cache';
import { messageOf } from '../errors.ts';
import type { CacheLevel, Logger, Metrics } from '../observability/index.ts';
import { CacheFolderError, openCacheFolder } from './cache-folder.ts';
import { DiskStore } from './disk-store.ts';
import { Flights, type Load } from './flight.ts';

export const DEFAULT_CACHE_MAX_BYTES: number = 512 * 2 ** 20;
/** Since the last use. */
export const DEFAULT_CACHE_TTL_MS: number = 7 * 24 * 60 * 60_000;
const DEFAULT_MAX_ENTRIES = 10_000;
const DEFAULT_MEMORY_BYTES = 32 * 2 ** 20;
/** Content that waits to be written; beyond it a slow disk is not waited for, and not used. */
const MAX_PENDING_BYTES = 64 * 2 ** 20;
/** How often the log says that the disk fails. */
const WARN_EVERY_MS = 10 * 60_000;

export interface ByteCacheOptions {
  /** Where entries are kept beyond the life of the process. Without it, in memory only. */
  readonly folder?: string | undefined;
  /** Of the files in the folder. */
  readonly maxBytes?: number;
  readonly maxMemoryBytes?: number;
  readonly maxEntries?: number;
  /** How long a file is kept since it was last used. In memory, room alone decides. */
  readonly ttlMs?: number;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Wall clock, in milliseconds. */
  readonly now: () => number;
}

/** Content that somebody wants. */
export interface Wanted {
  readonly key: string;
  /**
   * Names the place and the credentials that it is loaded with. Who has the same shares a load that is under way. Others
   * share only what it has yielded: nobody waits for a place that somebody else has named, or is told what it said.
   */
  readonly loadedFrom: string;
}

export class ByteCache {
  readonly #log: Logger;
  readonly #metrics: Metrics | undefined;
  readonly #now: () => number;
  readonly #memory: LRUCache<string, Uint8Array>;
  readonly #flights = new Flights<Uint8Array>();
  readonly #pending = new Set<Promise<void>>();
  readonly #folder: string | undefined;
  #disk: DiskStore | undefined;
  #pendingBytes = 0;
  #warnedAtMs: number | undefined;

  private constructor(options: ByteCacheOptions) {
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#now = options.now;
    this.#folder = options.folder;
    this.#memory = new LRUCache({
      max: options.maxEntries ?? DEFAULT_MAX_ENTRIES,
      maxSize: options.maxMemoryBytes ?? DEFAULT_MEMORY_BYTES,
      sizeCalculation: (bytes) => Math.max(1, bytes.length),
      dispose: (_bytes, _key, reason) => {
        if (reason === 'evict') this.#metrics?.cacheEvicted('memory');
      },
    });
    this.#metrics?.watchCache(() => this.levels());
  }

  /**
   * Opens the folder and lists what it holds. A folder that can't be written to is done without, with a warning.
   * @throws CacheFolderError where others may write to it
   */
  static async open(options: ByteCacheOptions): Promise<ByteCache> {
    const cache = new ByteCache(options);
    const { folder } = options;
    if (folder === undefined) {
      options.log.warn('no cache folder: after a restart modules are fetched again');
      return cache;
    }
    try {
      cache.#disk = await DiskStore.open({
        folder,
        maxBytes: options.maxBytes ?? DEFAULT_CACHE_MAX_BYTES,
        maxEntries: options.maxEntries ?? DEFAULT_MAX_ENTRIES,
        ttlMs: options.ttlMs ?? DEFAULT_CACHE_TTL_MS,
        now: options.now,
        onEvict: () => options.metrics?.cacheEvicted('disk'),
        onCorrupt: (file, problem) => cache.#corrupt(file, problem),
      });
    } catch (error) {
      if (error instanceof CacheFolderError) throw error;
      options.log.warn({ folder, problem: messageOf(error) }, 'the cache folder is not used');
    }
    return cache;
  }

  /**
   * Tries whether the folder can be written to. Undefined where it can, or where there is none, else what is wrong, in
   * words.
   */
  async folderProblem(): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    try {
      await openCacheFolder(this.#folder);
    } catch (error) {
      return messageOf(error);
    }
    return this.#disk === undefined ? 'it could not be used when the operator started' : undefined;
  }

  /** What is kept under the key. Who gets it does not write to it. Never rejects. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const bytes = this.#fromMemory(key) ?? (await this.#fromDisk(key));
    if (bytes === undefined) this.#metrics?.cacheMiss();
    return bytes;
  }

  /** Keeps the content, in memory at once. Resolves when it is on the disk, or can't be. Never rejects. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    const own = bytes.buffer.byteLength > bytes.byteLength ? new Uint8Array(bytes) : bytes;
    this.#memory.set(key, own);
    if (this.#disk === undefined) return;
    if (this.#pendingBytes + own.length > MAX_PENDING_BYTES) {
      this.#diskFailed('write', 'too much waits to be written');
      return;
    }
    this.#pendingBytes += own.length;
    await this.#onDisk('write', (disk) => disk.put(key, own));
    this.#pendingBytes -= own.length;
  }

  /**
   * What is kept under the key, else what `load` yields, which is then kept. However many ask at once, one load from a
   * place is under way; it is aborted when nobody waits for it any more. A load that fails does so for all who wait, and
   * for nobody else.
   * @throws what `load` throws, and the signal's reason
   */
  async through(wanted: Wanted, load: Load<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { key, loadedFrom } = wanted;
    const flight = JSON.stringify([key, loadedFrom]);
    return (
      this.#fromMemory(key) ??
      (await this.#flights.join(flight, (given) => this.#load(key, load, given), signal))
    );
  }

  /** Forgets the content. */
  async delete(key: string): Promise<void> {
    this.#memory.delete(key);
    await this.#onDisk('delete', (disk) => disk.delete(key));
  }

  levels(): readonly CacheLevel[] {
    const { size: entries, calculatedSize: bytes } = this.#memory;
    const memory: CacheLevel = { tier: 'memory', entries, bytes };
    return this.#disk === undefined ? [memory] : [memory, { tier: 'disk', ...this.#disk.level }];
  }

  /** Resolves when all that was to be written is. */
  async close(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #load(key: string, load: Load<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
    const known = await this.get(key);
    if (known !== undefined) return known;
    const bytes = await load(signal);
    void this.put(key, bytes);
    return bytes;
  }

  #fromMemory(key: string): Uint8Array | undefined {
    const bytes = this.#memory.get(key);
    if (bytes === undefined) return undefined;
    this.#metrics?.cacheHit('memory');
    // Or else what is asked for most would be the first to go from the disk.
    void this.#onDisk('use', (disk) => disk.touch(key));
    return bytes;
  }

  async #fromDisk(key: string): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    await this.#onDisk('read', async (disk) => {
      bytes = await disk.get(key);
    });
    if (bytes === undefined) return undefined;
    this.#metrics?.cacheHit('disk');
    this.#memory.set(key, bytes);
    return bytes;
  }

  /** Runs to its end, whatever the disk says. */
  async #onDisk(what: string, work: (disk: DiskStore) => Promise<void>): Promise<void> {
    const disk = this.#disk;
    if (disk === undefined) return;
    const done = work(disk).catch((error: unknown) => this.#diskFailed(what, messageOf(error, 128)));
    this.#pending.add(done);
    await done;
    this.#pending.delete(done);
  }

  #corrupt(file: string, problem: string): void {
    this.#metrics?.cacheCorrupt();
    this.#warn({ file, problem }, 'a file of the cache was not what was written, and was deleted');
  }

  #diskFailed(what: string, problem: string): void {
    if (what === 'write') this.#metrics?.cacheWriteFailed();
    this.#warn({ what, problem }, 'the disk of the cache fails; modules are served from memory');
  }

  #warn(fields: object, message: string): void {
    const nowMs = this.#now();
    const isRecent = this.#warnedAtMs !== undefined && nowMs - this.#warnedAtMs < WARN_EVERY_MS;
    if (isRecent) this.#log.debug(fields, message);
    else this.#log.warn(fields, message);
    if (!isRecent) this.#warnedAtMs = nowMs;
  }
}
