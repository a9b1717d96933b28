// What a registry keeps beside bytes: manifests, which name the bytes, and indexes, which name manifests.

/** Names content by what it is: nothing that does not match is ever used. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether it names the machine that it is for. A module is for none. */
  readonly hasPlatform: boolean;
}

export interface ArtifactManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** What this artefact is about, e.g. what it is the signature of. */
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ArtifactIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** A manifest whose every byte has been hashed. */
export interface Manifest {
  readonly digest: string;
  /** What the reference names: the digest of the index that led to this manifest, or its own. Signatures are of either. */
  readonly rootDigest: string;
  readonly mediaType: string;
  readonly body: Uint8Array;
  readonly value: ArtifactManifest;
}
