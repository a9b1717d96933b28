// The CUE modules that a module imports. They come from the registries that an administrator configured, with the
// credentials of the Transform that asks: the scope of a loader tells apart who may get what, and is a part of the name
// under which an evaluator remembers a module with its dependencies. Nobody is served a dependency that his own
// credentials were not accepted for.
import { LRUCache } from 'lru-cache';
import { compare } from 'semver';
import type { ModuleDependency } from '../api/index.ts';
import { SourceError } from '../errors.ts';
import type { OciReference } from '../registry/index.ts';
import type { CueRegistries } from './cue-registry.ts';
import { type ModuleTree, treeBytes } from './module-tree.ts';

export interface DependencyLimits {
  /** Of all dependencies of a module together. */
  readonly maxBytes: number;
  /** Versions that are looked at to choose from. */
  readonly maxVersions: number;
}

const DEFAULT_LIMITS: DependencyLimits = { maxBytes: 32 * 1024 * 1024, maxVersions: 200 };
/** Modules whose choice of versions is remembered. */
const MAX_CHOICES = 2_000;
const MODULE_FILE = 'cue.mod/module.cue';

/** What a place gave for a reference. */
export interface FetchedModule {
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  readonly tree: ModuleTree;
}

/** Gets modules from registries as one tenant. */
export interface DependencyAccess {
  /** Equal only for tenants with the same credentials; tells nothing of them. */
  readonly scope: string;
  /** @throws SourceError */
  fetch(reference: OciReference, signal: AbortSignal): Promise<FetchedModule>;
}

/** What a module's imports are resolved by. */
export interface DependencyLoader {
  readonly scope: string;
  /**
   * @param module with its major version
   * @throws SourceError that names the module and what to do
   */
  load(module: string, version: string, signal: AbortSignal): Promise<ModuleTree>;
  /** The version of each module that minimal version selection chose, as of the last evaluation; sorted. */
  chosen(): readonly ModuleDependency[];
}

/** Loads what modules import. */
export class ModuleDependencies {
  readonly #registries: CueRegistries;
  readonly #limits: DependencyLimits;
  /** By scope and tree, then by module and version: an evaluator asks once and remembers. */
  readonly #loaded = new LRUCache<string, Map<string, ModuleDependency>>({ max: MAX_CHOICES });

  constructor(registries: CueRegistries, limits: DependencyLimits = DEFAULT_LIMITS) {
    this.#registries = registries;
    this.#limits = limits;
  }

  /** A loader for one evaluation of a module. */
  loaderFor(tree: ModuleTree, access: DependencyAccess): DependencyLoader {
    const { scope } = access;
    const key = `${scope} ${tree.digest}`;
    let bytes = 0;
    let versions = 0;
    const load = async (module: string, version: string, signal: AbortSignal): Promise<ModuleTree> => {
      versions += 1;
      if (versions > this.#limits.maxVersions)
        throw tooLarge(`depends on over ${this.#limits.maxVersions} versions of modules`);
      const fetched = await this.#fetch(access, module, version, signal);
      bytes += treeBytes(fetched.tree);
      if (bytes > this.#limits.maxBytes)
        throw tooLarge(`has dependencies of over ${this.#limits.maxBytes} bytes`);
      const known = this.#loaded.get(key) ?? new Map<string, ModuleDependency>();
      known.set(`${module} ${version}`, { module, version, digest: fetched.digest });
      this.#loaded.set(key, known);
      return fetched.tree;
    };
    return { scope, load, chosen: () => chosenOf(this.#loaded.get(key)?.values() ?? []) };
  }

  async #fetch(
    access: DependencyAccess,
    module: string,
    version: string,
    signal: AbortSignal,
  ): Promise<FetchedModule> {
    const reference = this.#registries.locate(module, version);
    try {
      return await access.fetch(reference, signal);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      throw explained(error, module, version, reference);
    }
  }
}

/** True where a tree says that it needs other modules, so that credentials have to be at hand. */
export function hasDependencies(tree: ModuleTree): boolean {
  return /\bdeps\b/.test(tree.files.get(MODULE_FILE) ?? '');
}

/** The highest version of each module, by minimal version selection over all that were asked for. */
function chosenOf(loaded: Iterable<ModuleDependency>): readonly ModuleDependency[] {
  const highest = new Map<string, ModuleDependency>();
  for (const each of loaded) {
    const other = highest.get(each.module);
    if (other === undefined || compare(each.version, other.version) > 0) highest.set(each.module, each);
  }
  return [...highest.values()].sort((a, b) => (a.module < b.module ? -1 : 1));
}

function explained(
  error: SourceError,
  module: string,
  version: string,
  { host, repository }: OciReference,
): SourceError {
  const what = `dependency ${module} ${version} (oci://${host}/${repository})`;
  const [path = module] = module.split('@');
  const advice =
    error.code === 'SOURCE_NOT_FOUND'
      ? `: publish it there (pequod push, cue mod publish), or choose another version with "cue mod get ${path}@<version>"`
      : error.code === 'SOURCE_AUTH'
        ? ': name a Secret with credentials for this host in cueRef.pullSecretRef'
        : '';
  return new SourceError(error.code, `${what}: ${error.message}${advice}`, {
    retry: error.retry,
    cause: error,
  });
}

function tooLarge(what: string): SourceError {
  return new SourceError('SOURCE_TOO_LARGE', `the module ${what}`);
}
