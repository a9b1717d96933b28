export { readArtifact, readArtifactFiles } from './artifact.ts';
export type { FetchBlob } from './artifact-layer.ts';
export {
  CUE_MODULE_FILE_TYPE,
  CUE_MODULE_TYPE,
  CUE_ZIP_TYPE,
  checkCueModule,
} from './cue-artifact.ts';
export { cueTree, MODULE_FILE } from './cue-files.ts';
export { CENTRAL_REGISTRY, CueRegistries } from './cue-registry.ts';
export {
  type DependencyAccess,
  type DependencyLoader,
  type FetchedModule,
  hasDependencies,
  ModuleDependencies,
} from './dependencies.ts';
export { type DockerLogin, dockerLogin } from './docker-config.ts';
export { type EmbeddedLibrary, embeddedLibrary, loadEmbeddedLibrary } from './embedded.ts';
export { InputSourceError, wholeInput } from './input-sources.ts';
export {
  type ConfigMapReader,
  clusterlessContext,
  type Resolution,
  type SecretReader,
  type SourceContext,
} from './module-source.ts';
export { ModuleSources, type ModuleSourcesOptions, type ResolvedModule } from './module-sources.ts';
export { type ModuleTree, moduleTree, packageFolders, type TreeLimits, treeDigest } from './module-tree.ts';
export { NetworkPlaces, type NetworkPlacesOptions } from './remote-places.ts';
