export type { RegistryAccess, RegistryCredentials, TrustedRealm } from './access.ts';
export { RegistryClient, type RegistryClientOptions } from './client.ts';
export { digestOf, isDigest } from './digest.ts';
export type { ArtifactManifest, Descriptor, Manifest } from './manifest.ts';
export {
  formatOciReference,
  type OciReference,
  parseOciReference,
  registryHost,
} from './reference.ts';
export type { RegistryReader, RegistryWriter } from './registry.ts';
export { highestTag } from './versions.ts';
