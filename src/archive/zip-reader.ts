import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { messageOf, SourceError } from '../errors.ts';
import { Budget } from './budget.ts';
import { decodeName, EntryNames } from './entry-names.ts';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap } from './file-map.ts';
import { fileTypeName } from './file-type.ts';
import { refused, refusedArchive } from './refusal.ts';
import {
  checkLocalHeader,
  checkSpans,
  directoryLength,
  type EntrySpan,
  readZipEnd,
  zip64,
} from './zip-structure.ts';

const STORED = 0;
const DEFLATED = 8;
const ZIP64_FIELD = 0x0001;
const UNICODE_PATH_FIELD = 0x7075;
/** Version, then a checksum, then the name. */
const UNICODE_PATH_OFFSET = 5;

/**
 * Reads a zip into memory.
 * @throws SourceError `SOURCE_INVALID` where it is damaged, contradicts itself, or has an entry that no module may have;
 * `SOURCE_TOO_LARGE` where it is over the limits, before what is over them is unpacked
 */
export async function readZip(
  bytes: Uint8Array,
  limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
): Promise<FileMap> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    // Names are taken as bytes: yauzl would make slashes of backslashes, and guess at other encodings.
    const zip = await fromBufferPromise(buffer, { lazyEntries: true, decodeStrings: false });
    return await readEntries(zip, buffer, limits);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw refusedArchive(`is no zip that can be read: ${messageOf(error)}`, error);
  }
}

async function readEntries(zip: ZipFile, buffer: Buffer, limits: ArchiveLimits): Promise<FileMap> {
  const end = readZipEnd(buffer, zip.comment.length);
  const budget = new Budget(limits);
  budget.checkEntries(end.entryCount);
  const names = new EntryNames();
  const files = new Map<string, Uint8Array>();
  const spans: EntrySpan[] = [];
  let cursor = end.directoryStart;
  for await (const entry of zip.eachEntry()) {
    cursor += directoryLength(entry);
    const name = decodeName(entry.fileNameRaw);
    checkEntry(name, entry);
    const isFolder = name.endsWith('/');
    const path = names.add(name, isFolder);
    budget.takeEntry();
    budget.takeFile(name, entry.uncompressedSize);
    budget.checkRatio(entry.compressedSize, entry.uncompressedSize);
    const local = await zip.readLocalFileHeaderPromise(entry);
    const span = checkLocalHeader(name, entry, local);
    spans.push(span);
    const content = unpacked(name, entry, buffer.subarray(local.fileDataStart, span.end));
    if (path !== undefined && !isFolder) files.set(path, content);
  }
  if (cursor !== end.directoryEnd) throw refusedArchive('has another number of entries than it says');
  checkSpans(spans, end.directoryStart);
  return files;
}

/** What can be said of an entry without its data. */
function checkEntry(name: string, entry: Entry): void {
  if (entry.isEncrypted()) throw refused(name, 'is encrypted');
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw refused(name, `is compressed by method ${entry.compressionMethod}, only deflate is read`);
  }
  for (const { id, data } of entry.extraFields) {
    if (id === ZIP64_FIELD) throw zip64();
    if (id === UNICODE_PATH_FIELD && !data.subarray(UNICODE_PATH_OFFSET).equals(entry.fileNameRaw)) {
      throw refused(name, 'has two different names');
    }
  }
  const type = fileTypeName(entry.externalFileAttributes >>> 16);
  const isFolder = name.endsWith('/');
  if (type !== undefined && type !== (isFolder ? 'folder' : 'file')) {
    throw refused(
      name,
      `is a ${type}${type === 'file' || type === 'folder' ? ', and its name says otherwise' : ''}`,
    );
  }
  if (isFolder && entry.uncompressedSize > 0) throw refused(name, 'is a folder with content');
}

/** The data of an entry, never more than it states. A copy, so that the archive's own bytes can go. */
function unpacked(name: string, entry: Entry, packed: Buffer): Uint8Array {
  if (packed.length !== entry.compressedSize) throw refused(name, 'is cut off');
  const content = entry.compressionMethod === STORED ? packed : inflated(name, entry, packed);
  if (content.length !== entry.uncompressedSize) {
    throw refused(name, `has ${content.length} bytes, and says ${entry.uncompressedSize}`);
  }
  if (crc32(content) !== entry.crc32) throw refused(name, 'is damaged: its checksum differs');
  return Uint8Array.from(content);
}

function inflated(name: string, entry: Entry, packed: Buffer): Buffer {
  const maxOutputLength = Math.max(entry.uncompressedSize, 1);
  try {
    const result: unknown = inflateRawSync(packed, { maxOutputLength, info: true });
    if (!isInflated(result)) throw new TypeError('inflate gave no bytes');
    if (result.engine.bytesWritten === packed.length) return result.buffer;
  } catch (error) {
    const isTooLong = error instanceof RangeError;
    throw refused(
      name,
      isTooLong ? `has more bytes than the ${entry.uncompressedSize} that it says` : 'can not be unpacked',
      error,
    );
  }
  throw refused(name, 'has bytes behind its compressed data');
}

/** What zlib returns where `info` is asked for. */
interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten` is what was read of the input. */
  readonly engine: { readonly bytesWritten: number };
}

function isInflated(value: unknown): value is Inflated {
  return (
    typeof value === 'object' &&
    value !== null &&
    'buffer' in value &&
    Buffer.isBuffer(value.buffer) &&
    'engine' in value &&
    typeof value.engine === 'object' &&
    value.engine !== null &&
    'bytesWritten' in value.engine
  );
}
