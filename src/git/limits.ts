import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from '../archive/index.ts';

/** What a git server may send at most, and how long it may take. */
export interface GitLimits {
  /** Bytes of a list of refs. */
  readonly maxRefBytes: number;
  readonly maxRefs: number;
  readonly maxPack: PackLimits;
  /** For one look at the refs. */
  readonly resolveTimeoutMs: number;
  /** For one fetch. */
  readonly fetchTimeoutMs: number;
  /** Of this, for unpacking. */
  readonly unpackTimeoutMs: number;
  /** Packs that are unpacked at the same time, and large ones that are taken in at the same time. */
  readonly maxWorkers: number;
  /** What is taken of the repository. */
  readonly files: Pick<ArchiveLimits, 'maxBytes' | 'maxEntries' | 'maxFileBytes'>;
}

/** What a pack may be. */
export interface PackLimits {
  /** As it is sent. */
  readonly maxBytes: number;
  readonly maxObjects: number;
  /** Of one object. */
  readonly maxObjectBytes: number;
  /** Of all objects and deltas together, unpacked. */
  readonly maxUnpackedBytes: number;
  /** Deltas on deltas. */
  readonly maxDepth: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_GIT_LIMITS: GitLimits = {
  maxRefBytes: 16 * MIB,
  maxRefs: 100_000,
  maxPack: {
    maxBytes: 64 * MIB,
    maxObjects: 200_000,
    maxObjectBytes: 32 * MIB,
    maxUnpackedBytes: 512 * MIB,
    maxDepth: 256,
  },
  resolveTimeoutMs: 30_000,
  fetchTimeoutMs: 120_000,
  unpackTimeoutMs: 30_000,
  maxWorkers: 2,
  files: DEFAULT_ARCHIVE_LIMITS,
};
