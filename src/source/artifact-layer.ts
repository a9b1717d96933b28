import { type ArchiveLimits, DEFAULT_ARCHIVE_LIMITS } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import type { Descriptor } from '../registry/index.ts';
import type { TreeLimits } from './module-tree.ts';

/** The bytes of a layer: of exactly the digest and size that the descriptor says. */
export type FetchBlob = (layer: Descriptor) => Promise<Uint8Array>;

/** What an archive may hold for a tree with these limits: all its entries count, also those that CUE does not read. */
export function archiveLimits({ maxBytes, maxFiles }: TreeLimits): ArchiveLimits {
  return { ...DEFAULT_ARCHIVE_LIMITS, maxBytes, maxEntries: maxFiles };
}

/** @throws SourceError `SOURCE_TOO_LARGE` before anything is fetched that can't hold a module within the limits */
export async function fetchLayer(
  layer: Descriptor,
  fetchBlob: FetchBlob,
  { maxBytes, maxFiles }: TreeLimits,
): Promise<Uint8Array> {
  // Around each file an archive has headers of up to a kilobyte, uncompressed.
  const most = maxBytes + maxFiles * 1024;
  if (layer.size <= most) return await fetchBlob(layer);
  throw new SourceError(
    'SOURCE_TOO_LARGE',
    `layer ${layer.digest} has ${layer.size} bytes, at most ${most} are fetched`,
  );
}
