export { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS, type FileMap } from './file-map.ts';
