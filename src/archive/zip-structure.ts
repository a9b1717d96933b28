// What a zip says about itself, held against what is there. Two readers of one zip may see two different archives: one
// goes by the directory at the end, one by the headers before each file, one by signatures. Here all of them must agree,
// and every byte must belong to something.
import type { Entry, LocalFileHeader } from 'yauzl';
import { refused, refusedArchive } from './refusal.ts';

const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const ZIP64_LOCATOR = 0x07064b50;
const DIRECTORY_HEADER_SIZE = 46;
const DESCRIPTOR_FLAG = 0x0008;
/** A data descriptor: CRC and two sizes, with or without a signature. */
const DESCRIPTOR_SIZES: ReadonlySet<number> = new Set([12, 16]);

/** Bytes from the header of an entry to the end of its data, and whether a descriptor follows. */
export interface EntrySpan {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly hasDescriptor: boolean;
}

/** The record at the end of a zip. */
export interface ZipEnd {
  readonly entryCount: number;
  readonly directoryStart: number;
  readonly directoryEnd: number;
}

/**
 * Reads the record at the end again, since yauzl looks at parts of it only.
 * @param commentLength as yauzl found it
 */
export function readZipEnd(bytes: Buffer, commentLength: number): ZipEnd {
  const end = bytes.length - END_SIZE - commentLength;
  const locator = end - LOCATOR_SIZE;
  if (locator >= 0 && bytes.readUInt32LE(locator) === ZIP64_LOCATOR) throw zip64();
  const [onDisk, entryCount] = [bytes.readUInt16LE(end + 8), bytes.readUInt16LE(end + 10)];
  const directoryStart = bytes.readUInt32LE(end + 16);
  const directoryEnd = directoryStart + bytes.readUInt32LE(end + 12);
  if (onDisk !== entryCount) throw refusedArchive('says two different numbers of entries');
  if (directoryEnd !== end) throw refusedArchive('has bytes between its directory and its end');
  return { entryCount, directoryStart, directoryEnd };
}

/** Length of an entry in the directory. */
export function directoryLength(entry: Entry): number {
  return DIRECTORY_HEADER_SIZE + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
}

/**
 * Holds the header before a file's data against the entry in the directory.
 * @throws SourceError where name, method, sizes or checksum are not the same in both
 */
export function checkLocalHeader(name: string, entry: Entry, local: LocalFileHeader): EntrySpan {
  const hasDescriptor = (local.generalPurposeBitFlag & DESCRIPTOR_FLAG) !== 0;
  if (!local.fileName.equals(entry.fileNameRaw)) {
    throw refused(name, 'has another name before its data than in the directory');
  }
  if (local.generalPurposeBitFlag !== entry.generalPurposeBitFlag) {
    throw refused(name, 'has other flags before its data than in the directory');
  }
  if (local.compressionMethod !== entry.compressionMethod) {
    throw refused(name, 'has another compression method before its data than in the directory');
  }
  const isSame = (own: number, stated: number): boolean => own === stated || (hasDescriptor && own === 0);
  if (
    !isSame(local.compressedSize, entry.compressedSize) ||
    !isSame(local.uncompressedSize, entry.uncompressedSize)
  ) {
    throw refused(name, 'has another size before its data than in the directory');
  }
  if (!isSame(local.crc32, entry.crc32)) {
    throw refused(name, 'has another checksum before its data than in the directory');
  }
  const end = local.fileDataStart + entry.compressedSize;
  return { name, start: entry.relativeOffsetOfLocalHeader, end, hasDescriptor };
}

/** @throws SourceError where entries share bytes, or bytes belong to none */
export function checkSpans(spans: readonly EntrySpan[], directoryStart: number): void {
  const inOrder = spans.toSorted((a, b) => a.start - b.start);
  if ((inOrder[0]?.start ?? directoryStart) !== 0) {
    throw refusedArchive('has bytes before its first entry');
  }
  inOrder.forEach(({ name, end, hasDescriptor }, index) => {
    const gap = (inOrder[index + 1]?.start ?? directoryStart) - end;
    if (gap < 0) throw refused(name, 'shares bytes with what follows it');
    if (hasDescriptor ? !DESCRIPTOR_SIZES.has(gap) : gap > 0) {
      throw refused(name, 'is followed by bytes that belong to no entry');
    }
  });
}

/** Zip64 is for archives that are larger than any module; all that it would bring is a second opinion on sizes. */
export function zip64(): Error {
  return refusedArchive('is in the zip64 format, which only archives over 4 GiB need');
}
