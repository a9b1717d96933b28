// From kind to path, out of cached discovery. A kind that the cache lacks is looked for anew, by one request for all who
// ask, and not more often than every two seconds: kinds that don't exist must not become a stream of requests.
import { apiVersionOf, type GroupVersionKind } from '../api/index.ts';
import { untilAborted } from './abort.ts';
import type { OperatorClient } from './client.ts';
import { type DiscoveredGroup, type DiscoveryCache, discover, groupsOf } from './discovery.ts';
import { gvkKey, type Resource } from './resource.ts';

export interface RestMapperOptions {
  readonly client: Pick<OperatorClient, 'discover'>;
  readonly now: () => number;
  /** Shortest time between two looks for missing kinds. Default 2 s. */
  readonly minRefreshIntervalMs?: number;
  /** Age at which discovery is read again when it is next used. Default 10 min. */
  readonly maxAgeMs?: number;
}

const MIN_REFRESH_INTERVAL_MS = 2_000;
const MAX_AGE_MS = 10 * 60_000;
const FRESH_MS = 10_000;

export class RestMapper {
  readonly #options: RestMapperOptions;
  #cache: DiscoveryCache | undefined;
  #groups: ReadonlyMap<string, DiscoveredGroup> = new Map();
  #resources: ReadonlyMap<string, Resource> = new Map();
  /** When the last successful read began: it knows of everything that was served before. */
  #readAtMs: number | undefined;
  #isInvalid = false;
  #failure: { readonly atMs: number; readonly error: unknown } | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(options: RestMapperOptions) {
    this.#options = options;
  }

  /**
   * How the kind is served; undefined where it is not. Asks the server for kinds that are not known.
   * @throws ApiError or TransportError where discovery fails and the kind is not known.
   */
  async resolve(gvk: GroupVersionKind, signal: AbortSignal): Promise<Resource | undefined> {
    const known = this.peek(gvk);
    const isOld = this.#isInvalid || this.#ageMs > (this.#options.maxAgeMs ?? MAX_AGE_MS);
    if (known !== undefined && !isOld) return known;
    try {
      await untilAborted(this.#refresh(), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (known === undefined) throw error;
    }
    return this.peek(gvk);
  }

  /** The same from the cache alone. */
  peek(gvk: GroupVersionKind): Resource | undefined {
    return this.#resources.get(gvkKey(gvk));
  }

  /** The next {@link resolve} asks the server, whatever it knows: a CRD changed, or a path answered that it is gone. */
  invalidate(): void {
    this.#isInvalid = true;
  }

  /** The version that the server puts first, from the cache. */
  preferredVersion(group: string): string | undefined {
    return this.#groups.get(group)?.versions[0];
  }

  /** `group/version` of everything that is served, sorted; asks the server only where nothing is known, or no more. */
  async apiVersions(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#readAtMs === undefined || this.#isInvalid) await untilAborted(this.#refresh(), signal);
    const versions = [...this.#groups].flatMap(([group, { versions: served }]) =>
      served.map((version) => apiVersionOf({ group, version })),
    );
    return versions.sort();
  }

  /**
   * Everything that lives in namespaces and can be listed, each kind in the version that its group puts first; undefined
   * while a group does not answer, so that kinds may be missing. Asks the server.
   */
  async namespacedKinds(signal: AbortSignal): Promise<readonly Resource[] | undefined> {
    this.invalidate();
    await untilAborted(this.#refresh(), signal);
    const groups = [...this.#groups.values()];
    if (groups.some(({ isCurrent }) => !isCurrent)) return undefined;
    const kinds = new Map<string, Resource>();
    for (const { versions, resources } of groups) {
      for (const version of versions) {
        for (const resource of resources) {
          const key = `${resource.group}/${resource.kind}`;
          const isWanted = resource.namespaced && resource.verbs.includes('list');
          if (isWanted && resource.version === version && !kinds.has(key)) kinds.set(key, resource);
        }
      }
    }
    return [...kinds.values()];
  }

  /** Whether the cache can be trusted about what this group does *not* serve. */
  isFresh(group: string, maxAgeMs: number = FRESH_MS): boolean {
    if (this.#isInvalid || this.#ageMs > maxAgeMs) return false;
    return this.#groups.get(group)?.isCurrent ?? true;
  }

  get #ageMs(): number {
    return this.#readAtMs === undefined ? Number.POSITIVE_INFINITY : this.#options.now() - this.#readAtMs;
  }

  #refresh(): Promise<void> {
    if (this.#refreshing !== undefined && !this.#isInvalid) return this.#refreshing;
    const { now, minRefreshIntervalMs = MIN_REFRESH_INTERVAL_MS } = this.#options;
    const isRecent = this.#readAtMs !== undefined && now() - this.#readAtMs < minRefreshIntervalMs;
    if (isRecent && !this.#isInvalid) return Promise.resolve();
    if (this.#failure !== undefined && now() - this.#failure.atMs < minRefreshIntervalMs) {
      return Promise.reject(this.#failure.error);
    }
    // What is already on its way may not know yet why the cache became invalid.
    const before = this.#refreshing ?? Promise.resolve();
    this.#isInvalid = false;
    const refreshing = before
      .then(undefined, () => undefined)
      .then(() => this.#read())
      .finally(() => {
        if (this.#refreshing === refreshing) this.#refreshing = undefined;
      });
    this.#refreshing = refreshing;
    return refreshing;
  }

  async #read(): Promise<void> {
    const startedAtMs = this.#options.now();
    // All who wait share the answer, so that none of them may end it; the client has its own deadline.
    const { signal } = new AbortController();
    try {
      const cache = await discover(
        (path, options) => this.#options.client.discover(path, options, signal),
        this.#cache,
      );
      this.#index(cache);
      this.#readAtMs = startedAtMs;
      this.#failure = undefined;
    } catch (error) {
      this.#isInvalid = true;
      this.#failure = { atMs: this.#options.now(), error };
      throw error;
    }
  }

  #index(cache: DiscoveryCache): void {
    const groups = groupsOf(cache);
    const resources = new Map<string, Resource>();
    for (const resource of groups.flatMap((group) => group.resources)) {
      const key = gvkKey(resource);
      // Two resources may share a kind; the one that has objects is meant.
      if (!resources.has(key) || resource.verbs.includes('list')) resources.set(key, resource);
    }
    this.#cache = cache;
    this.#groups = new Map(groups.map((group) => [group.name, group]));
    this.#resources = resources;
  }
}
