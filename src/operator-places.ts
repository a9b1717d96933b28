// Where the operator's modules come from over a network, as its administrator says.
import { ByteCache } from './cache/index.ts';
import { EgressGuard, type EgressProxy } from './egress/index.ts';
import type { Logger, Metrics } from './observability/index.ts';
import type { TrustedRealm } from './registry/index.ts';
import type { TrustedRoot } from './signatures/index.ts';
import { type CueRegistries, NetworkPlaces } from './source/index.ts';

/** What an administrator says of the places that modules come from, and of what is kept of them. */
export interface PlacesOptions {
  /** Without it, what was fetched is kept in memory alone. */
  readonly cacheFolder: string | undefined;
  readonly cacheMaxBytes: number;
  readonly cacheTtlMs: number;
  /** The only hosts that are asked; empty: all that egress lets through. */
  readonly hosts: readonly string[];
  readonly plainHttpHosts: readonly string[];
  readonly trustedRealms: readonly TrustedRealm[];
  readonly proxy: EgressProxy | undefined;
  readonly noProxy: readonly string[];
  readonly cueRegistries: CueRegistries;
  readonly trustedRoot: TrustedRoot | undefined;
}

/** @throws CacheFolderError where others may write to the folder */
export function openCache(
  { cacheFolder: folder, cacheMaxBytes: maxBytes, cacheTtlMs: ttlMs }: PlacesOptions,
  log: Logger,
  metrics: Metrics,
): Promise<ByteCache> {
  return ByteCache.open({ folder, maxBytes, ttlMs, log, metrics, now: Date.now });
}

/** @param egressAllow hosts and ranges that may be called besides public addresses */
export function networkPlaces(
  options: PlacesOptions,
  egressAllow: readonly string[],
  cache: ByteCache,
  metrics: Metrics,
): NetworkPlaces {
  const { hosts, proxy, noProxy, plainHttpHosts, trustedRealms, cueRegistries, trustedRoot } = options;
  const guard = new EgressGuard({
    allow: egressAllow,
    noProxy,
    ...(hosts.length === 0 ? {} : { only: hosts }),
    ...(proxy === undefined ? {} : { proxy }),
  });
  const who = { plainHttpHosts, trustedRealms, cueRegistries, trustedRoot };
  return new NetworkPlaces({ guard, cache, metrics, now: Date.now, ...who });
}
