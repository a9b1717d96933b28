// Where signatures of a digest are: manifests that say that they are about it (bundles, as cosign writes them now), and
// the manifest under a tag made of the digest (cosign's first format). Nothing that is found here is trusted; a list that
// names what is about something else costs a request and no more.
import { isSourceError } from '../errors.ts';
import type {
  Descriptor,
  Manifest,
  OciReference,
  RegistryAccess,
  RegistryReader,
} from '../registry/index.ts';
import type { Attached } from './claim.ts';
import type { Findings } from './findings.ts';
import {
  BUNDLE_MEDIA_TYPES,
  PREDICATE_ANNOTATION,
  SIMPLE_SIGNING_ARTIFACT_TYPE,
  SIMPLE_SIGNING_MEDIA_TYPE,
  signatureTag,
} from './media-types.ts';
import { quoted, SIGNATURE_PREDICATE_TYPE } from './statement.ts';

const MAX_SIGNATURE_BYTES = 256 * 1024;

/** What is asked of a registry. */
export type SignatureRegistry = Pick<RegistryReader, 'blob' | 'referrers' | 'resolve'>;

/** A digest in a repository, and how that is reached. */
export interface SignedPlace {
  readonly reference: OciReference;
  readonly digest: string;
  readonly access: RegistryAccess;
}

/** Finds signatures one by one, so that nothing more is fetched once one of them will do. */
export class Attachments {
  readonly #registry: SignatureRegistry;
  readonly #place: SignedPlace;
  readonly #findings: Findings;
  #signed: Manifest | undefined;

  constructor(registry: SignatureRegistry, place: SignedPlace, findings: Findings) {
    this.#registry = registry;
    this.#place = place;
    this.#findings = findings;
  }

  /** @throws what is no SourceError; those are among the findings */
  async *all(signal: AbortSignal): AsyncGenerator<Attached> {
    yield* this.#listed(signal);
    yield* this.#tagged(signal);
  }

  /** The bytes of the manifest that is signed; fetched once. @throws SourceError */
  async signedManifest(signal: AbortSignal): Promise<Uint8Array> {
    this.#signed ??= await this.#manifest({ digest: this.#place.digest }, signal);
    return this.#signed.body;
  }

  async *#listed(signal: AbortSignal): AsyncGenerator<Attached> {
    const { reference, digest, access } = this.#place;
    const list = await this.#findings.attempt('list of referrers', () =>
      noneIfMissing(this.#registry.referrers(reference, { digest }, access, signal)),
    );
    for (const descriptor of (list ?? []).filter(isOfSignatures)) {
      const name = shortDigest(descriptor.digest);
      const predicate = descriptor.annotations[PREDICATE_ANNOTATION];
      if (predicate !== undefined && predicate !== SIGNATURE_PREDICATE_TYPE) {
        this.#findings.reject(name, `it is an attestation (${quoted(predicate)}), not a signature`);
        continue;
      }
      if (!this.#findings.take()) continue;
      const manifest = await this.#findings.attempt(name, () =>
        this.#manifest({ digest: descriptor.digest }, signal),
      );
      if (manifest === undefined) continue;
      const { subject, layers } = manifest.value;
      if (subject?.digest !== digest) {
        this.#findings.reject(name, `it is about another digest (${quoted(subject?.digest)})`);
        continue;
      }
      const [layer, ...others] = layers.filter(isSignature);
      if (layer === undefined) this.#findings.reject(name, 'it holds no signature');
      else yield* this.#attached(name, layer, signal);
      for (const other of others) {
        if (this.#findings.take()) yield* this.#attached(shortDigest(other.digest), other, signal);
      }
    }
  }

  async *#tagged(signal: AbortSignal): AsyncGenerator<Attached> {
    const { digest } = this.#place;
    const tag = signatureTag(digest);
    const manifest = await this.#findings.attempt(tag, async () => {
      const [found] = await noneIfMissing(this.#manifest({ tag }, signal).then((each) => [each]));
      return found;
    });
    // The newest are the last, and the likeliest to be by a key that is still in use.
    for (const layer of (manifest?.value.layers ?? []).filter(isSignature).reverse()) {
      if (this.#findings.take()) yield* this.#attached(shortDigest(layer.digest), layer, signal);
    }
  }

  async *#attached(name: string, layer: Descriptor, signal: AbortSignal): AsyncGenerator<Attached> {
    if (layer.size > MAX_SIGNATURE_BYTES) {
      this.#findings.reject(name, `it is larger than ${MAX_SIGNATURE_BYTES / 1024} KiB`);
      return;
    }
    const { reference, access } = this.#place;
    const bytes = await this.#findings.attempt(name, () =>
      this.#registry.blob(reference, layer, access, signal),
    );
    if (bytes === undefined) return;
    if (layer.mediaType !== SIMPLE_SIGNING_MEDIA_TYPE) yield { kind: 'bundle', name, bytes };
    else yield { kind: 'simple', name, payload: bytes, annotations: layer.annotations };
  }

  async #manifest(
    which: { readonly digest: string } | { readonly tag: string },
    signal: AbortSignal,
  ): Promise<Manifest> {
    const { reference, access } = this.#place;
    const { host, repository } = reference;
    return await this.#registry.resolve({ host, repository, ...which }, access, signal);
  }
}

async function noneIfMissing<T>(found: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await found;
  } catch (error) {
    if (isSourceError(error, 'SOURCE_NOT_FOUND')) return [];
    throw error;
  }
}

/** A list that was kept by hand may not say of what type its entries are. */
function isOfSignatures({ artifactType = '' }: Descriptor): boolean {
  return (
    artifactType === '' ||
    artifactType === SIMPLE_SIGNING_ARTIFACT_TYPE ||
    BUNDLE_MEDIA_TYPES.has(artifactType)
  );
}

function isSignature({ mediaType }: Descriptor): boolean {
  return mediaType === SIMPLE_SIGNING_MEDIA_TYPE || BUNDLE_MEDIA_TYPES.has(mediaType);
}

/** Enough of a digest to find it by. */
function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(':') + 13);
}
