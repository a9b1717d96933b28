// The distribution API as Pequod uses it. What has a digest is hashed before anyone sees it: a manifest whole, a blob
// while it comes.
import { SourceError } from '../errors.ts';
import type { RegistryAccess } from './access.ts';
import { readBody } from './body.ts';
import { digestLike, digestOf, hashLike, isDigest } from './digest.ts';
import type { ArtifactIndex, ArtifactManifest, Descriptor, Manifest } from './manifest.ts';
import { MANIFEST_ACCEPT, readManifest } from './manifest-json.ts';
import { pushBlob, pushManifest } from './push.ts';
import { formatOciReference, type OciReference } from './reference.ts';
import { listReferrers } from './referrers.ts';
import type { RegistryReader, RegistryWriter } from './registry.ts';
import { listTags } from './tags.ts';
import { RegistryTransport, type TransportOptions } from './transport.ts';

const MAX_MANIFEST_BYTES = 4 * 2 ** 20;
const MAX_BLOB_BYTES = 20 * 2 ** 20;
const SHOWN_MANIFESTS = 5;

export interface RegistryClientOptions extends TransportOptions {
  /** Largest blob that is taken. Default 20 MiB. */
  readonly maxBlobBytes?: number;
}

interface Fetched {
  readonly digest: string;
  readonly body: Uint8Array;
  readonly value: ArtifactIndex | ArtifactManifest;
}

/** A client of all registries, for all tenants: who asks is said with each call, and kept apart. */
export class RegistryClient implements RegistryReader, RegistryWriter {
  readonly #transport: RegistryTransport;
  readonly #maxBlobBytes: number;

  constructor(options: RegistryClientOptions) {
    this.#transport = new RegistryTransport(options);
    this.#maxBlobBytes = options.maxBlobBytes ?? MAX_BLOB_BYTES;
  }

  async digest(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<string> {
    const at = manifestPath(reference);
    const headers = { accept: MANIFEST_ACCEPT };
    const said = await this.#transport.call(
      { reference, access, at, method: 'HEAD', headers, maxBytes: 0 },
      signal,
      async (answer) => answer.headers.get('docker-content-digest')?.[0],
    );
    if (said === undefined || !isDigest(said)) return (await this.#fetch(reference, access, signal)).digest;
    if (reference.digest !== undefined && said !== reference.digest) throw mismatch(reference, said);
    return said;
  }

  async resolve(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<Manifest> {
    const { digest, body, value } = await this.#fetch(reference, access, signal);
    const { mediaType } = value;
    if (value.kind === 'manifest') return { digest, rootDigest: digest, mediaType, body, value };
    const only = onlyOf(value, reference);
    const found = await this.#fetch({ ...reference, digest: only.digest }, access, signal);
    if (found.body.length !== only.size)
      throw mismatch({ ...reference, digest: only.digest }, `${found.body.length} bytes`);
    if (found.value.kind === 'index')
      throw new SourceError('SOURCE_INVALID', `${formatOciReference(reference)} is an index of indexes`);
    return { ...found, rootDigest: digest, mediaType: found.value.mediaType, value: found.value };
  }

  async blob(
    reference: OciReference,
    { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const named = { ...reference, digest };
    if (size > this.#maxBlobBytes)
      throw new SourceError(
        'SOURCE_TOO_LARGE',
        `${formatOciReference(named)}: ${size} bytes, where ${this.#maxBlobBytes} is the most`,
      );
    const request = { reference: named, access, at: `blobs/${digest}`, maxBytes: size };
    return await this.#transport.call(request, signal, async ({ body, headers }) => {
      const announced = headers.get('content-length')?.[0];
      if (announced !== undefined && Number(announced) !== size)
        throw mismatch(named, `${announced} bytes, not ${size}`);
      const hash = hashLike(digest);
      const tooLong = (): SourceError => mismatch(named, `more than its ${size} bytes`);
      const bytes = await readBody({ body, headers }, size, tooLong, hash);
      if (bytes.length !== size) throw mismatch(named, `${bytes.length} bytes, not ${size}`);
      const real = `${digest.split(':')[0]}:${hash.digest('hex')}`;
      if (real !== digest) throw mismatch(named, real);
      return bytes;
    });
  }

  async tags(
    reference: OciReference,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    return await listTags(this.#transport, reference, access, signal);
  }

  async referrers(
    reference: OciReference,
    about: { readonly digest: string; readonly artifactType?: string },
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    return await listReferrers(this.#transport, reference, about, access, signal);
  }

  async pushBlob(
    reference: OciReference,
    bytes: Uint8Array,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Pick<Descriptor, 'digest' | 'size'>> {
    return await pushBlob(this.#transport, reference, bytes, access, signal);
  }

  async pushManifest(
    reference: OciReference,
    manifest: { readonly mediaType: string; readonly body: Uint8Array },
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<string> {
    return await pushManifest(this.#transport, reference, manifest, access, signal);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #fetch(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<Fetched> {
    const at = manifestPath(reference);
    const headers = { accept: MANIFEST_ACCEPT };
    const request = { reference, access, at, headers, maxBytes: MAX_MANIFEST_BYTES };
    return await this.#transport.call(request, signal, async (answer) => {
      const body = await readBody(answer, MAX_MANIFEST_BYTES, () => manifestTooLarge(reference));
      const said = answer.headers.get('docker-content-digest')?.[0];
      for (const digest of [reference.digest, said]) {
        if (digest === undefined || digestLike(digest, body) === digest) continue;
        // A header that is no digest may hold anything.
        const named = reference.digest ?? (isDigest(digest) ? digest : undefined);
        throw mismatch(
          named === undefined ? reference : { ...reference, digest: named },
          digestLike(digest, body),
        );
      }
      const subject = formatOciReference(reference);
      const value = readManifest(body, answer.headers.get('content-type')?.[0], subject);
      return { digest: reference.digest ?? said ?? digestOf(body), body, value };
    });
  }
}

function manifestPath(reference: OciReference): string {
  const name = reference.digest ?? reference.tag;
  if (name !== undefined) return `manifests/${name}`;
  const shown = formatOciReference(reference);
  throw new SourceError('SOURCE_INVALID', `${shown} names neither a tag nor a digest`, { retry: 'never' });
}

/** A module is for no machine in particular: what an index has for one machine each is something else. */
function onlyOf({ manifests }: ArtifactIndex, reference: OciReference): Descriptor {
  const found = manifests.length === 1 ? manifests : manifests.filter(({ hasPlatform }) => !hasPlatform);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const there = manifests
    .slice(0, SHOWN_MANIFESTS)
    .map(({ digest, mediaType, artifactType, hasPlatform }) => {
      return `${digest} (${artifactType ?? mediaType}${hasPlatform ? ', for one platform' : ''})`;
    });
  const shown = formatOciReference(reference);
  throw new SourceError(
    'SOURCE_INVALID',
    `${shown} is an index of ${manifests.length} manifests, and no one of them is meant: ${there.join(', ') || 'it is empty'}`,
  );
}

function manifestTooLarge(reference: OciReference): SourceError {
  const shown = formatOciReference(reference);
  return new SourceError(
    'SOURCE_TOO_LARGE',
    `${shown}: the manifest is larger than ${MAX_MANIFEST_BYTES} bytes`,
  );
}

function mismatch(reference: OciReference, got: string): SourceError {
  return new SourceError(
    'SOURCE_DIGEST',
    `${formatOciReference(reference)}: ${reference.host} answers with ${got}`,
  );
}
