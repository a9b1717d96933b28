// Where a module is, who must have signed it, and what the reference stood for.
import type { JsonObject } from '../json/index.ts';

export interface CueRef extends JsonObject {
  readonly type: CueRefType;
  /**
   * `oci`: `oci://host/repository`, with `:tag` or `@sha256:…`. `git`: an https or ssh URL, or `user@host:path`; with
   * `?ref=` a branch, tag or commit, with `?path=` a folder. `configmap`: name of a ConfigMap in the Transform's
   * namespace. `inline`: CUE source text. `embedded`: name of a platform type that ships with the operator.
   */
  readonly ref: string;
  /** Folder of the package within the module's tree. Default: the root. */
  readonly path?: string;
  /** `oci`: the highest tag in this range of semantic versions, e.g. `>=1.2 <2`. */
  readonly semver?: string;
  /** Secret in the Transform's namespace with the credentials of an `oci` or `git` reference. */
  readonly pullSecretRef?: LocalReference;
  /** Secret in the Transform's namespace with `ca.crt`, and `tls.crt` and `tls.key` where the server asks for them. */
  readonly certSecretRef?: LocalReference;
  /** `oci`: the signature that the module must have. */
  readonly verify?: Verification;
}

export type CueRefType = 'configmap' | 'embedded' | 'git' | 'inline' | 'oci';

/** An object of the Transform's own namespace. */
export interface LocalReference extends JsonObject {
  readonly name: string;
}

/** Who must have signed a module: the holder of one of the keys in a Secret, or one of the identities. */
export interface Verification extends JsonObject {
  readonly provider: 'cosign';
  /** Secret in the Transform's namespace; every key that ends in `.pub` is a public key in PEM. */
  readonly secretRef?: LocalReference;
  /** Keyless: certificates of these identities, issued by the operator's trusted root. */
  readonly identities?: readonly SignerIdentity[];
}

/** Exact texts. */
export interface SignerIdentity extends JsonObject {
  /** Issuer of the signer's token, e.g. `https://token.actions.githubusercontent.com`. */
  readonly issuer: string;
  /** What the issuer calls the signer: an email address, or the URI of a workflow. */
  readonly subject: string;
}

export interface ResolvedCueRef extends JsonObject {
  /** `sha256:…` of the tree, or of the manifest of `oci`; `sha1:…` of the commit of `git`. */
  readonly digest: string;
  /** The source's own name for the state: `v1.2.0@sha256:…`, `main@sha1:…`, a ConfigMap's `uid/resourceVersion`. */
  readonly revision?: string;
  /** RFC 3339. Changes only with the digest. */
  readonly fetchedAt: string;
  /** Who signed it, where `verify` asks for that: `key <name of the key in the Secret>`, or the identity's subject. */
  readonly signer?: string;
  /** The modules that it imports, at the versions that were chosen. */
  readonly dependencies?: readonly ModuleDependency[];
}

/** A module that another one needs, as the registry gave it. */
export interface ModuleDependency extends JsonObject {
  /** With its major version: `example.com/lib@v0`. */
  readonly module: string;
  readonly version: string;
  /** `sha256:…` of the manifest; absent where it was not looked up, because it is in the module's own cache. */
  readonly digest?: string;
}
