// Writing to registries: bytes first, then the manifest that names them, so that nothing half-written can be named.
import { isSourceError, SourceError } from '../errors.ts';
import { stringifyJson } from '../json/index.ts';
import type { RegistryAccess } from './access.ts';
import { digestLike, digestOf, referrersTag } from './digest.ts';
import type { ArtifactManifest, Descriptor } from './manifest.ts';
import { INDEX_TYPE, readManifest } from './manifest-json.ts';
import { formatOciReference, type OciReference } from './reference.ts';
import { readTagged } from './referrers.ts';
import type { RegistryTransport } from './transport.ts';

const ACTIONS = 'pull,push' as const;

export async function pushBlob(
  transport: RegistryTransport,
  { host, repository }: OciReference,
  bytes: Uint8Array,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const digest = digestOf(bytes);
  const reference = { host, repository, digest };
  const common = { reference, access, actions: ACTIONS, maxBytes: 0 };
  if (!(await hasBlob(transport, { ...common, at: `blobs/${digest}` }, signal))) {
    const upload = await transport.call(
      { ...common, at: 'blobs/uploads/', method: 'POST', headers: { 'content-length': '0' } },
      signal,
      async ({ headers, url }) => transport.next(headers.get('location')?.[0] ?? '', url, reference),
    );
    upload.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream' };
    await transport.call({ ...common, at: upload, method: 'PUT', headers, body: bytes }, signal, nothing);
  }
  return { digest, size: bytes.length };
}

export async function pushManifest(
  transport: RegistryTransport,
  { host, repository, tag }: OciReference,
  { mediaType, body }: { readonly mediaType: string; readonly body: Uint8Array },
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<string> {
  const digest = digestOf(body);
  const reference = { host, repository, ...(tag === undefined ? { digest } : { tag }) };
  const shown = formatOciReference(reference);
  const value = readManifest(body, mediaType, shown);
  const isListed = await transport.call(
    {
      reference,
      access,
      actions: ACTIONS,
      at: `manifests/${tag ?? digest}`,
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body,
      maxBytes: 0,
    },
    signal,
    async ({ headers }) => {
      const said = headers.get('docker-content-digest')?.[0];
      if (said !== undefined && digestLike(said, body) !== said)
        throw new SourceError('SOURCE_DIGEST', `${shown}: ${host} took something else for what was sent`);
      return headers.has('oci-subject');
    },
  );
  if (value.kind === 'manifest' && value.subject !== undefined && !isListed) {
    const about = { host, repository, digest: value.subject.digest };
    await addReferrer(transport, about, describe(value, digest, body.length), access, signal);
  }
  return digest;
}

async function hasBlob(
  transport: RegistryTransport,
  request: Omit<Parameters<RegistryTransport['call']>[0], 'method'>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await transport.call({ ...request, method: 'HEAD' }, signal, nothing);
    return true;
  } catch (error) {
    if (isSourceError(error, 'SOURCE_NOT_FOUND')) return false;
    throw error;
  }
}

/** For a registry that keeps no list of referrers: adds one to the list under the tag that is made of the digest. */
async function addReferrer(
  transport: RegistryTransport,
  about: OciReference & { readonly digest: string },
  added: Descriptor,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<void> {
  const known = (await readTagged(transport, about, access, signal)) ?? [];
  if (known.some(({ digest }) => digest === added.digest)) return;
  const manifests = [...known, added].map(({ hasPlatform: _hasPlatform, ...descriptor }) => descriptor);
  const index = stringifyJson({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
  const reference = { host: about.host, repository: about.repository, tag: referrersTag(about.digest) };
  await pushManifest(
    transport,
    reference,
    { mediaType: INDEX_TYPE, body: Buffer.from(index) },
    access,
    signal,
  );
}

function describe(value: ArtifactManifest, digest: string, size: number): Descriptor {
  // Where an artefact does not say what it is, its config does.
  const artifactType = value.artifactType ?? value.config.mediaType;
  const { mediaType, annotations } = value;
  return { mediaType, digest, size, artifactType, annotations, hasPlatform: false };
}

async function nothing(): Promise<void> {
  // The status has said all.
}
