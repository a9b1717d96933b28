import type { RegistryAccess } from './access.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { OciReference } from './reference.ts';

/**
 * What can be asked of registries. Every call ends with its signal, or with a SourceError: `SOURCE_AUTH`,
 * `SOURCE_NOT_FOUND`, `SOURCE_DIGEST`, `SOURCE_INVALID`, `SOURCE_TOO_LARGE`, `SOURCE_REFUSED` or `SOURCE_UNAVAILABLE`.
 */
export interface RegistryReader {
  /**
   * The digest that a reference stands for right now, by a request that registries don't count as a download. It is
   * what the registry says; a manifest that is asked for by it is hashed.
   */
  digest(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<string>;
  /** The manifest of a tag or digest; one of an index that can only mean one is followed. */
  resolve(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<Manifest>;
  /** The bytes of a layer or a config, of exactly the size and digest that the descriptor says. */
  blob(
    reference: OciReference,
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** All tags of a repository, in the order of the registry. */
  tags(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<readonly string[]>;
  /** What says that it is about `digest`, of one type where it is given: signatures, for one. */
  referrers(
    reference: OciReference,
    about: { readonly digest: string; readonly artifactType?: string },
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]>;
}

/** What is written to registries. */
export interface RegistryWriter {
  /** Uploads bytes that are not there yet. */
  pushBlob(
    reference: OciReference,
    bytes: Uint8Array,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Pick<Descriptor, 'digest' | 'size'>>;
  /** Puts a manifest under the reference's tag, or its own digest without one, and says what digest it has. */
  pushManifest(
    reference: OciReference,
    manifest: { readonly mediaType: string; readonly body: Uint8Array },
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<string>;
}
