// A tar, read block by block as it is unpacked, so that the limits hold before bytes are in memory. It is ours because
// what matters here is what readers of tar for other purposes smooth over: they resolve `..`, skip checksums, take links
// for files, leave out ustar's prefix, and let two headers say two sizes. Only files and folders pass.
import { BlockReader } from './block-reader.ts';
import { Budget } from './budget.ts';
import { decodeName, EntryNames } from './entry-names.ts';
import type { ArchiveLimits, FileMap } from './file-map.ts';
import { parsePax } from './pax.ts';
import { refused, refusedArchive, tooLarge } from './refusal.ts';
import { parseTarHeader, TAR_BLOCK, type TarHeader } from './tar-header.ts';

/** Headers that describe the next entry: its long name and what else pax has. */
const MAX_EXTENSION_BYTES = 64 * 1024;
/** Zeros behind the end: writers fill up their last record, which has 10 KiB by default. */
const MAX_PADDING_BYTES = 1024 * 1024;

const REFUSED_TYPES: ReadonlyMap<string, string> = new Map([
  ['1', 'is a hard link'],
  ['2', 'is a symbolic link'],
  ['3', 'is a character device'],
  ['4', 'is a block device'],
  ['6', 'is a FIFO'],
  ['S', 'is a sparse file'],
]);

/** What headers before an entry say of it. */
interface Extension {
  readonly name?: string;
  readonly size?: number;
}

/** @throws SourceError as {@link readZip} does */
export async function readTar(chunks: AsyncIterable<Uint8Array>, limits: ArchiveLimits): Promise<FileMap> {
  const reader = new BlockReader(chunks);
  try {
    return await new TarReader(reader, limits).read();
  } finally {
    await reader.close();
  }
}

class TarReader {
  readonly #reader: BlockReader;
  readonly #budget: Budget;
  readonly #names = new EntryNames();
  readonly #files = new Map<string, Uint8Array>();

  constructor(reader: BlockReader, limits: ArchiveLimits) {
    this.#reader = reader;
    this.#budget = new Budget(limits);
  }

  async read(): Promise<FileMap> {
    let extension: Extension = {};
    for (let header = await this.#header(); header !== undefined; header = await this.#header()) {
      this.#budget.takeEntry();
      switch (header.type) {
        case 'x':
          extension = { ...extension, ...paxExtension(parsePax(await this.#extension(header))) };
          break;
        case 'g':
          checkGlobal(parsePax(await this.#extension(header)));
          break;
        case 'L':
          extension = { ...extension, name: longName(await this.#extension(header)) };
          break;
        case 'K':
          throw refused(header.name, 'is a link');
        default:
          await this.#entry(header, extension);
          extension = {};
      }
    }
    return this.#files;
  }

  async #entry(header: TarHeader, extension: Extension): Promise<void> {
    const name = extension.name ?? header.name;
    const { size } = header;
    if (extension.size !== undefined && extension.size !== size) {
      throw refused(name, `has two sizes: ${size} and ${extension.size}`);
    }
    const isFolder = header.type === '5' || (header.type === '0' && name.endsWith('/'));
    if (header.type !== '0' && !isFolder) {
      throw refused(name, REFUSED_TYPES.get(header.type) ?? `is of type ${JSON.stringify(header.type)}`);
    }
    if (isFolder && size > 0) throw refused(name, 'is a folder with content');
    const path = this.#names.add(name, isFolder);
    this.#budget.takeFile(name, size);
    const content = await this.#content(name, size);
    if (path !== undefined && !isFolder) this.#files.set(path, content);
  }

  /** The next header; undefined at the end of the archive. */
  async #header(): Promise<TarHeader | undefined> {
    const block = await this.#block();
    if (!isZero(block)) return parseTarHeader(block);
    if (!isZero(await this.#block())) throw refusedArchive('goes on behind a mark of its end');
    let padding = 0;
    for await (const chunk of this.#reader.remaining()) {
      padding += chunk.length;
      if (!isZero(chunk)) throw refusedArchive('has bytes behind its end');
      if (padding > MAX_PADDING_BYTES) {
        throw tooLarge(`the archive has more than ${MAX_PADDING_BYTES} bytes behind its end`);
      }
    }
    return undefined;
  }

  async #block(): Promise<Uint8Array> {
    const block = await this.#reader.take(TAR_BLOCK);
    if (block.length < TAR_BLOCK)
      throw refusedArchive('is no tar, or cut off: it ends without a mark of its end');
    return block;
  }

  async #extension({ name, size }: TarHeader): Promise<Uint8Array> {
    if (size > MAX_EXTENSION_BYTES) {
      throw tooLarge(`the archive has a header of ${size} bytes, at most ${MAX_EXTENSION_BYTES} are taken`);
    }
    this.#budget.takeFile(name, size);
    return await this.#content(name, size);
  }

  /** Content of an entry, which fills whole blocks. */
  async #content(name: string, size: number): Promise<Uint8Array> {
    const content = await this.#reader.take(size);
    const padding = (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
    if (content.length < size || (await this.#reader.take(padding)).length < padding) {
      throw refused(name, 'is cut off');
    }
    return content;
  }
}

function paxExtension(records: ReadonlyMap<string, string>): Extension {
  checkNotSparse(records);
  const path = records.get('path');
  const size = records.get('size');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw refusedArchive('has an extended header whose size can not be read');
  }
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

/** A global header holds for all entries that follow; git keeps its commit in one. It may not say what they are. */
function checkGlobal(records: ReadonlyMap<string, string>): void {
  checkNotSparse(records);
  for (const key of ['path', 'linkpath', 'size']) {
    if (records.has(key)) throw refusedArchive(`has a global header that says ${key} for all entries`);
  }
}

function checkNotSparse(records: ReadonlyMap<string, string>): void {
  for (const key of records.keys()) {
    if (key.startsWith('GNU.sparse')) throw refusedArchive('has a sparse file');
  }
}

/** GNU's header for a name of over 100 bytes: the name, and a NUL. */
function longName(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  return decodeName(nul < 0 ? bytes : bytes.subarray(0, nul));
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
