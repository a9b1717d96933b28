import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { FileMap } from './file-map.ts';

const FILE_MODE = 0o100644;

/**
 * A zip whose bytes depend on paths and contents alone, so that its digest is the module's. Files are stored as they are:
 * deflate differs between versions of zlib and between processors.
 */
export async function writeZip(files: FileMap): Promise<Uint8Array> {
  const zip = new ZipFile();
  // Zips hold local time: noon of their first day, in whatever zone this is.
  const mtime = new Date(1980, 0, 1, 12);
  const options = { mtime, mode: FILE_MODE, forceDosTimestamp: true, compress: false };
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    zip.addBuffer(Buffer.from(content), path, options);
  }
  zip.end();
  return await buffer(zip.outputStream);
}
