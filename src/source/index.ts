export { ConfigMapSource, type ConfigMapSourceOptions } from './configmap.ts';
export {
  type EmbeddedLibrary,
  EmbeddedSource,
  embeddedLibrary,
  loadEmbeddedLibrary,
} from './embedded.ts';
export { INLINE_FILE, InlineSource } from './inline.ts';
export type { ConfigMapReader, ModuleSource, Resolution, SourceContext } from './module-source.ts';
export { ModuleSources, type ModuleSourcesOptions, type ResolvedModule } from './module-sources.ts';
export {
  DEFAULT_TREE_LIMITS,
  type ModuleTree,
  moduleTree,
  type TreeLimits,
  treeDigest,
} from './module-tree.ts';
export { SourceError, type SourceErrorCode } from './source-error.ts';
