import { createGunzip } from 'node:zlib';
import { messageOf, SourceError } from '../errors.ts';
import { Budget } from './budget.ts';
import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap } from './file-map.ts';
import { refusedArchive } from './refusal.ts';
import { readTar } from './tar-reader.ts';

/** Unpacked at a time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a gzipped tar into memory, unpacking no further than the limits let it.
 * @throws SourceError as `readZip` does
 */
export async function readTarGzip(
  bytes: Uint8Array,
  limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
): Promise<FileMap> {
  try {
    return await readTar(unpacked(bytes, limits), limits);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw refusedArchive(`is no gzip that can be read: ${messageOf(error)}`, error);
  }
}

async function* unpacked(bytes: Uint8Array, limits: ArchiveLimits): AsyncGenerator<Uint8Array> {
  const budget = new Budget(limits);
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  try {
    gunzip.end(bytes);
    let total = 0;
    for await (const chunk of gunzip) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('gunzip gave no bytes');
      total += chunk.length;
      budget.checkRatio(bytes.length, total);
      yield chunk;
    }
    // What follows the compressed data is left unread by zlib, without a word.
    if (gunzip.bytesWritten !== bytes.length) throw refusedArchive('has bytes behind its compressed data');
  } finally {
    gunzip.destroy();
  }
}
