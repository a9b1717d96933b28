// The names by which signatures are found in registries, as cosign and other clients of sigstore write them.
import {
  BUNDLE_V01_MEDIA_TYPE,
  BUNDLE_V02_MEDIA_TYPE,
  BUNDLE_V03_LEGACY_MEDIA_TYPE,
  BUNDLE_V03_MEDIA_TYPE,
} from '@sigstore/bundle';

/** The versions of bundles that are understood. */
export const BUNDLE_MEDIA_TYPES: ReadonlySet<string> = new Set([
  BUNDLE_V01_MEDIA_TYPE,
  BUNDLE_V02_MEDIA_TYPE,
  BUNDLE_V03_LEGACY_MEDIA_TYPE,
  BUNDLE_V03_MEDIA_TYPE,
]);

/** The version that is written. */
export const BUNDLE_MEDIA_TYPE: string = BUNDLE_V03_MEDIA_TYPE;

/** Annotation of a bundle's manifest: what kind of statement is in it. */
export const PREDICATE_ANNOTATION = 'dev.sigstore.bundle.predicateType';

/** Type of a manifest of signatures in cosign's first format that says what it is about. */
export const SIMPLE_SIGNING_ARTIFACT_TYPE = 'application/vnd.dev.cosign.artifact.sig.v1+json';

export const SIMPLE_SIGNING_MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** Annotation of a layer in cosign's first format: the signature of its bytes, in base64. */
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';

/** The tag under which cosign's first format keeps the signatures of a digest. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}
