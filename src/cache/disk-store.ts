// The cache on the disk: one file an entry, and an index of them in memory, which is made from the folder's listing
// without reading a file. The file system is the truth and the index an estimate: another process may use the folder at
// the same time (a rolling update), so a file that the index knows can be gone, one that it does not know can be there,
// and the folder is listed again from time to time. A file's modification time is when it was last used.
//
// Room is made by deleting least recently used files, after a file was added: a process that dies in between leaves too
// many files, and the next start deletes them.
import { lutimes } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { openCacheFolder, scanCacheFolder, statusOf } from './cache-folder.ts';
import { entryFileBytes, entryName, hasCode, readEntry, removeFile, writeEntry } from './entry-file.ts';

/** How often the folder is listed again, at most. */
const RESCAN_MS = 10 * 60_000;
/** How exactly a file's last use is written down, at best. */
const USE_PRECISION_MS = 60 * 60_000;
/** Most entries that are looked at for their age at a time. */
const MAX_EXPIRED_AT_ONCE = 64;

export interface DiskStoreOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Since the last use. */
  readonly ttlMs: number;
  /** Wall clock: it is compared with the times of files. */
  readonly now: () => number;
  /** An entry was deleted for room or for age. */
  readonly onEvict: () => void;
  /** A file was not what was written for its key, and was deleted. */
  readonly onCorrupt: (name: string, problem: string) => void;
}

interface IndexEntry {
  readonly bytes: number;
  readonly usedAtMs: number;
  /** The last use that the file itself tells of. */
  readonly writtenAtMs: number;
}

export class DiskStore {
  readonly #options: DiskStoreOptions;
  readonly #folder: string;
  readonly #index: LRUCache<string, IndexEntry>;
  /** Names that had to leave the index for room, whose files are still there. */
  readonly #doomed: string[] = [];
  #scannedAtMs = 0;

  private constructor(options: DiskStoreOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#index = new LRUCache({
      max: options.maxEntries,
      maxSize: options.maxBytes,
      sizeCalculation: ({ bytes }) => Math.max(1, bytes),
      dispose: (_entry, name, reason) => {
        if (reason === 'evict') this.#doomed.push(name);
      },
    });
  }

  /** @throws CacheFolderError where others may write to the folder; what the file system says where we can't. */
  static async open(options: DiskStoreOptions): Promise<DiskStore> {
    const store = new DiskStore(options, await openCacheFolder(options.folder));
    await store.#scan();
    await store.#makeRoom();
    return store;
  }

  /** What the index knows of. */
  get level(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#index.size, bytes: this.#index.calculatedSize };
  }

  /** The content, verified. @throws what the file system says, other than that there is no such file. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const name = entryName(key);
    const read = await readEntry(this.#folder, key);
    switch (read.state) {
      case 'missing':
        this.#index.delete(name);
        return undefined;
      case 'corrupt':
        await this.#remove(name);
        this.#options.onCorrupt(name, read.problem);
        return undefined;
      case 'good': {
        const usedAtMs = Math.max(read.usedAtMs, this.#index.peek(name)?.usedAtMs ?? 0);
        if (this.#isExpired(usedAtMs)) {
          await this.#evict(name);
          return undefined;
        }
        this.#index.set(name, { bytes: read.fileBytes, usedAtMs, writtenAtMs: read.usedAtMs });
        await this.#use(name);
        return read.bytes;
      }
    }
  }

  /** Says that the entry was used, though it was not read from here. */
  async touch(key: string): Promise<void> {
    await this.#use(entryName(key));
  }

  /** Keeps the content, unless it is larger than all room. @throws what the file system says. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    const fileBytes = entryFileBytes(key, bytes);
    if (fileBytes === undefined || fileBytes > this.#options.maxBytes) return;
    const nowMs = this.#options.now();
    try {
      await writeEntry(this.#folder, key, bytes, nowMs);
    } catch (error) {
      // The volume is smaller than our limit, or others fill it: what is used least has to go all the same.
      if (!hasCode(error, 'ENOSPC', 'EDQUOT') || !(await this.#giveWay(fileBytes))) throw error;
      await writeEntry(this.#folder, key, bytes, nowMs);
    }
    this.#index.set(entryName(key), { bytes: fileBytes, usedAtMs: nowMs, writtenAtMs: nowMs });
    if (this.#options.now() - this.#scannedAtMs >= RESCAN_MS) await this.#scan();
    await this.#makeRoom();
  }

  async delete(key: string): Promise<void> {
    await this.#remove(entryName(key));
  }

  /** Takes over what the folder holds: what others have added, used and deleted. */
  async #scan(): Promise<void> {
    this.#scannedAtMs = this.#options.now();
    const found = await scanCacheFolder(this.#folder, this.#scannedAtMs);
    const names = new Set(found.map(({ name }) => name));
    for (const name of [...this.#index.keys()]) if (!names.has(name)) this.#index.delete(name);
    const used = found.map(({ name, bytes, usedAtMs }) => ({
      name,
      bytes,
      usedAtMs: Math.max(usedAtMs, this.#index.peek(name)?.usedAtMs ?? 0),
      writtenAtMs: usedAtMs,
    }));
    used.sort((a, b) => a.usedAtMs - b.usedAtMs);
    for (const { name, ...entry } of used) {
      // The index does not take what is larger than all room together.
      if (entry.bytes > this.#options.maxBytes) this.#doomed.push(name);
      else this.#index.set(name, entry);
    }
  }

  async #makeRoom(): Promise<void> {
    for (let name = this.#doomed.pop(); name !== undefined; name = this.#doomed.pop()) {
      if (!this.#index.has(name)) await this.#evict(name);
    }
    await this.#expire();
  }

  /** Deletes the least recently used entries, to at least so many bytes. @returns whether that much was to be had. */
  async #giveWay(neededBytes: number): Promise<boolean> {
    if (this.#index.calculatedSize < neededBytes) return false;
    for (let freed = 0; freed < neededBytes; ) {
      const [name] = this.#index.rkeys();
      if (name === undefined) return false;
      freed += this.#index.peek(name)?.bytes ?? 0;
      await this.#evict(name);
    }
    return true;
  }

  /** Deletes the oldest entries that nobody has used for too long, in this process or another. */
  async #expire(): Promise<void> {
    const oldest = this.#index.rkeys();
    const due: string[] = [];
    for (const name of oldest) {
      const usedAtMs = this.#index.peek(name)?.usedAtMs ?? 0;
      if (due.length === MAX_EXPIRED_AT_ONCE || !this.#isExpired(usedAtMs)) break;
      due.push(name);
    }
    for (const name of due) {
      const status = await statusOf(join(this.#folder, name));
      if (status === undefined || this.#isExpired(status.usedAtMs)) await this.#evict(name);
      else this.#index.set(name, { ...status, writtenAtMs: status.usedAtMs });
    }
  }

  #isExpired(usedAtMs: number): boolean {
    return this.#options.now() - usedAtMs >= this.#options.ttlMs;
  }

  /** Notes the use, on the disk only now and then. */
  async #use(name: string): Promise<void> {
    const nowMs = this.#options.now();
    const known = this.#index.get(name);
    if (known === undefined) return;
    const isDue = nowMs - known.writtenAtMs >= Math.min(USE_PRECISION_MS, this.#options.ttlMs / 8);
    this.#index.set(name, { ...known, usedAtMs: nowMs, writtenAtMs: isDue ? nowMs : known.writtenAtMs });
    if (!isDue) return;
    try {
      await lutimes(join(this.#folder, name), nowMs / 1_000, nowMs / 1_000);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) this.#index.delete(name);
      else throw error;
    }
  }

  async #evict(name: string): Promise<void> {
    if (await this.#remove(name)) this.#options.onEvict();
  }

  async #remove(name: string): Promise<boolean> {
    this.#index.delete(name);
    return await removeFile(join(this.#folder, name));
  }
}
