import type { CueRef, KubeObject } from '../api/index.ts';
import type { ModuleTree } from './module-tree.ts';

/** What a reference stands for right now. Cheap to get; equal digests mean equal modules. */
export interface Resolution {
  /** `sha256:…` of the tree or the manifest, `sha1:…` of the commit. */
  readonly digest: string;
  /** The source's own name for the state, for people: `v1.2.0@sha256:…`, a ConfigMap's `uid/resourceVersion`. */
  readonly revision?: string;
  /** Who signed it, where `verify` asks for that. */
  readonly signer?: string;
}

/** For whom a module is fetched. Sources read from the cluster only through it, with that tenant's rights. */
export interface SourceContext {
  /** The Transform's namespace; nothing outside it is read. */
  readonly namespace: string;
  readonly configMaps: ConfigMapReader;
  readonly secrets: SecretReader;
  /** An answer that another Transform got this recently, with the same credentials, will do; 0: ask anew. */
  readonly maxAgeMs: number;
}

/** Reads ConfigMaps as the Transform's ServiceAccount. */
export interface ConfigMapReader {
  /** Undefined where there is none. Errors (403, transport) are thrown and reach the caller of the source unchanged. */
  readConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined>;
}

/** Reads Secrets as the Transform's ServiceAccount. */
export interface SecretReader {
  /** As {@link ConfigMapReader.readConfigMap}. */
  readSecret(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined>;
}

/** A context without a cluster behind it: what is not given is not there, and every answer is a new one. */
export function clusterlessContext(
  namespace: string,
  readers: Partial<Pick<SourceContext, 'configMaps' | 'secrets'>> = {},
): SourceContext {
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  return {
    namespace,
    configMaps: { readConfigMap: nothing },
    secrets: { readSecret: nothing },
    maxAgeMs: 0,
    ...readers,
  };
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
  /** Whether the reference may stand for something else later, by itself. Absent: never. */
  readonly isMoving?: (ref: CueRef) => boolean;
}
