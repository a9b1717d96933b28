import type { CueRef, KubeObject } from '../api/index.ts';
import type { ModuleTree } from './module-tree.ts';

/** What a reference stands for right now. Cheap to get; equal digests mean equal modules. */
export interface Resolution {
  /** `sha256:…` of the tree. */
  readonly digest: string;
  /** The source's own name for the state, for people: a ConfigMap's `uid/resourceVersion`. */
  readonly revision?: string;
}

/** For whom a module is fetched. Sources read from the cluster only through it, with that tenant's rights. */
export interface SourceContext {
  /** The Transform's namespace; nothing outside it is read. */
  readonly namespace: string;
  readonly configMaps: ConfigMapReader;
}

/** Reads ConfigMaps as the Transform's ServiceAccount. */
export interface ConfigMapReader {
  /** Undefined where there is none. Errors (403, transport) are thrown and reach the caller of the source unchanged. */
  readConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined>;
}

/** One kind of place that modules come from. */
export interface ModuleSource {
  /** @throws SourceError, or what the context's readers throw. */
  resolve(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<Resolution>;
  /**
   * The content behind a resolution that this source gave for the same reference.
   * @throws SourceError `SOURCE_CHANGED` where it is gone and the reference means something else by now.
   */
  fetch(
    ref: CueRef,
    resolution: Resolution,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<ModuleTree>;
  /** Folder within the tree that `ref` alone names; `ref.path` is laid on top of it. */
  readonly packageRoot?: (ref: CueRef) => string;
}
