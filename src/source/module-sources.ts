import type { CueRef } from '../api/index.ts';
import { assertNever, SourceError } from '../errors.ts';
import { ConfigMapSource, type ConfigMapSourceOptions } from './configmap.ts';
import type { DependencyLoader } from './dependencies.ts';
import { type EmbeddedLibrary, EmbeddedSource } from './embedded.ts';
import { InlineSource } from './inline.ts';
import { atModuleRoot } from './module-root.ts';
import type { ModuleSource, Resolution, SourceContext } from './module-source.ts';
import { type ModuleTree, packageFolder } from './module-tree.ts';

/** A module that is ready to be rendered. */
export interface ResolvedModule extends Resolution {
  readonly tree: ModuleTree;
  /** Folder of the package within the tree: `.` or `a/b`. */
  readonly packagePath: string;
  /** What its imports are resolved by; absent where it says that it needs no other module. */
  readonly dependencies?: DependencyLoader;
}

export interface ModuleSourcesOptions extends ConfigMapSourceOptions {
  readonly library: EmbeddedLibrary;
  /** What is reached over a network. Without it there is none. */
  readonly places?: RemotePlaces | undefined;
}

/** The sources that are reached over a network. */
export interface RemotePlaces {
  readonly git: ModuleSource;
  readonly oci: ModuleSource;
  /** What a module's imports are resolved by; undefined where it says that it needs no other module. */
  dependenciesOf(
    tree: ModuleTree,
    ref: CueRef,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<DependencyLoader | undefined>;
}

/** All places that modules come from. */
export class ModuleSources {
  readonly #configMap: ModuleSource;
  readonly #embedded: ModuleSource;
  readonly #inline: ModuleSource;
  readonly #places: RemotePlaces | undefined;

  constructor(options: ModuleSourcesOptions) {
    this.#configMap = new ConfigMapSource(options);
    this.#embedded = new EmbeddedSource(options.library);
    this.#inline = new InlineSource(options.limits);
    this.#places = options.places;
  }

  /** What the reference stands for now; as cheap as the source allows. @throws as {@link ModuleSource.resolve}. */
  resolve(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<Resolution> {
    return this.#sourceOf(ref).resolve(ref, context, signal);
  }

  /**
   * The module behind a resolution of the same reference.
   * @throws SourceError also where `ref.path` leaves the tree or names a folder without a package.
   */
  async fetch(
    ref: CueRef,
    resolution: Resolution,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<ResolvedModule> {
    const source = this.#sourceOf(ref);
    const fetched = await source.fetch(ref, resolution, context, signal);
    const folder = packageFolder(fetched, ref.path, source.packageRoot?.(ref));
    const module = atModuleRoot(fetched, folder);
    const dependencies = await this.#places?.dependenciesOf(module.tree, ref, context, signal);
    return { ...resolution, ...module, ...(dependencies === undefined ? {} : { dependencies }) };
  }

  /** Resolves and fetches in one go. */
  async load(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<ResolvedModule> {
    return this.fetch(ref, await this.resolve(ref, context, signal), context, signal);
  }

  /** Whether the reference may stand for something else later, by itself: a tag, a branch, a ConfigMap. */
  isMoving(ref: CueRef): boolean {
    return this.#sourceOf(ref).isMoving?.(ref) ?? false;
  }

  /** Which folder of the content the reference names; part of what a render depends on. */
  folderOf(ref: CueRef): string {
    const root = this.#sourceOf(ref).packageRoot?.(ref) ?? '.';
    return root === '.' ? (ref.path ?? '') : `${root}//${ref.path ?? ''}`;
  }

  #sourceOf(ref: CueRef): ModuleSource {
    switch (ref.type) {
      case 'configmap':
        return this.#configMap;
      case 'embedded':
        return this.#embedded;
      case 'inline':
        return this.#inline;
      case 'git':
      case 'oci':
        if (this.#places !== undefined) return this.#places[ref.type];
        throw new SourceError('SOURCE_REFUSED', `modules of type ${ref.type} are not fetched here`);
      default:
        return assertNever(ref.type);
    }
  }
}
