export { EntryNames } from './entry-names.ts';
export { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap } from './file-map.ts';
export { readTarGzip } from './tar-gzip.ts';
export { readZip } from './zip-reader.ts';
export { writeZip } from './zip-writer.ts';
