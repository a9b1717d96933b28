/** Files of an archive in memory, by relative path with forward slashes; every path was checked. */
export type FileMap = ReadonlyMap<string, Uint8Array>;

/** What is taken of an archive at most. */
export interface ArchiveLimits {
  /** Of all files together, unpacked. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly maxFileBytes: number;
  /** Unpacked bytes for each packed one. */
  readonly maxRatio: number;
}

export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxEntries: 1000,
  maxFileBytes: 2 * 1024 * 1024,
  maxRatio: 200,
};
