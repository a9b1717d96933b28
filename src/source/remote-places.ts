// Puts together what is reached over a network: clients, cache, grants, circuits, signatures, dependencies.
import type { CueRef } from '../api/index.ts';
import type { ByteCache } from '../cache/index.ts';
import type { EgressGuard } from '../egress/index.ts';
import { GitClient } from '../git/index.ts';
import type { Metrics } from '../observability/index.ts';
import { RegistryClient, type TrustedRealm } from '../registry/index.ts';
import { SignatureVerifier, type TrustedRoot } from '../signatures/index.ts';
import { CueRegistries } from './cue-registry.ts';
import { type DependencyLoader, hasDependencies, ModuleDependencies } from './dependencies.ts';
import { dependencyAccess } from './dependency-access.ts';
import { GitSource } from './git.ts';
import type { ModuleSource, SourceContext } from './module-source.ts';
import type { RemotePlaces } from './module-sources.ts';
import type { ModuleTree, TreeLimits } from './module-tree.ts';
import { OciSource } from './oci.ts';
import { OciModules } from './oci-modules.ts';
import { Remote } from './remote.ts';

export interface NetworkPlacesOptions {
  /** Opens every socket. */
  readonly guard: EgressGuard;
  readonly cache: ByteCache;
  /** Hosts, with their ports where they have one, that are spoken to without TLS. */
  readonly plainHttpHosts?: readonly string[];
  /** Token servers on other hosts than their registries. */
  readonly trustedRealms?: readonly TrustedRealm[];
  /** Where the modules are that modules import. */
  readonly cueRegistries?: CueRegistries;
  /** Who vouches for signers without a key. */
  readonly trustedRoot?: TrustedRoot | undefined;
  readonly metrics?: Metrics | undefined;
  readonly limits?: TreeLimits;
  /** Wall clock, in milliseconds. */
  readonly now: () => number;
}

/** Registries and git servers. */
export class NetworkPlaces implements RemotePlaces {
  readonly git: ModuleSource;
  readonly oci: ModuleSource;
  readonly #registryClient: RegistryClient;
  readonly #gitClient: GitClient;
  readonly #modules: OciModules;
  readonly #remote: Remote;
  readonly #dependencies: ModuleDependencies;

  constructor(options: NetworkPlacesOptions) {
    const { guard, cache, metrics, now, limits, trustedRealms = [], trustedRoot } = options;
    const registries = options.cueRegistries ?? new CueRegistries();
    const plainHttpHosts = options.plainHttpHosts ?? [];
    this.#registryClient = new RegistryClient({
      guard,
      plainHttpHosts: [...plainHttpHosts, ...registries.plainHttpHosts],
      trustedRealms,
    });
    this.#gitClient = new GitClient({ guard, plainHttpHosts });
    const remote = new Remote({ cache, metrics, now });
    const registry = this.#registryClient;
    const verifier = new SignatureVerifier({ registry, trustedRoot });
    this.#modules = new OciModules({ registry, verifier, remote, limits });
    this.#remote = remote;
    this.#dependencies = new ModuleDependencies(registries);
    this.oci = new OciSource({ modules: this.#modules, remote });
    this.git = new GitSource({ git: this.#gitClient, remote, plainHttpHosts, limits });
  }

  async dependenciesOf(
    tree: ModuleTree,
    ref: CueRef,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<DependencyLoader | undefined> {
    if (!hasDependencies(tree)) return undefined;
    const places = { modules: this.#modules, remote: this.#remote };
    return this.#dependencies.loaderFor(tree, await dependencyAccess(places, ref, context, signal));
  }

  /** Ends all connections, and what is under way on them. */
  async close(): Promise<void> {
    await Promise.all([this.#registryClient.close(), this.#gitClient.close()]);
  }
}
