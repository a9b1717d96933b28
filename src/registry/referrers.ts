// What is about something else: signatures and the like. A registry lists them itself, or their writers keep a list under
// a tag that is made of the digest.
import { isSourceError, SourceError } from '../errors.ts';
import type { RegistryAccess } from './access.ts';
import { readBody } from './body.ts';
import { digestLike, referrersTag } from './digest.ts';
import { RegistryUnavailable } from './failures.ts';
import type { Descriptor } from './manifest.ts';
import { INDEX_TYPE, readManifest } from './manifest-json.ts';
import { readPages } from './pages.ts';
import { formatOciReference, type OciReference } from './reference.ts';
import type { RegistryAnswer, RegistryTransport } from './transport.ts';

const MAX_REFERRERS = 1_000;
const MAX_INDEX_BYTES = 4 * 2 ** 20;
const UNKNOWN_PATH_STATUSES: ReadonlySet<number | undefined> = new Set([400, 405, 406]);

export async function listReferrers(
  transport: RegistryTransport,
  reference: OciReference,
  { digest, artifactType }: { readonly digest: string; readonly artifactType?: string },
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const about = { host: reference.host, repository: reference.repository, digest };
  const at = `referrers/${digest}${query}`;
  const request = {
    reference: about,
    access,
    at,
    headers: { accept: INDEX_TYPE },
    maxBytes: MAX_INDEX_BYTES,
  };
  try {
    await readPages(transport, request, signal, async (answer) => {
      found.push(...(await readIndex(answer, about)));
      if (found.length > MAX_REFERRERS) throw tooMany(about);
    });
  } catch (error) {
    if (!isWithoutLists(error)) throw error;
    found.push(...(await readTaggedOrNone(transport, about, access, signal)));
  }
  // Registries filter or don't.
  return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
}

/** Registries that keep no lists should answer 404. Some don't know the path at all, and say so in other ways. */
function isWithoutLists(error: unknown): boolean {
  if (error instanceof RegistryUnavailable) return UNKNOWN_PATH_STATUSES.has(error.status);
  return isSourceError(error, 'SOURCE_NOT_FOUND');
}

/** What is under the tag and no list is not about anything: some registries take the tag for the digest in it. */
async function readTaggedOrNone(...asked: Parameters<typeof readTagged>): Promise<readonly Descriptor[]> {
  try {
    return (await readTagged(...asked)) ?? [];
  } catch (error) {
    if (isSourceError(error, 'SOURCE_INVALID')) return [];
    throw error;
  }
}

/** The list that is kept under a tag; undefined where there is none. */
export async function readTagged(
  transport: RegistryTransport,
  { host, repository, digest }: OciReference & { readonly digest: string },
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  const tagged = { host, repository, tag: referrersTag(digest) };
  const at = `manifests/${tagged.tag}`;
  const request = {
    reference: tagged,
    access,
    at,
    headers: { accept: INDEX_TYPE },
    maxBytes: MAX_INDEX_BYTES,
  };
  try {
    return await transport.call(request, signal, (answer) => readIndex(answer, tagged));
  } catch (error) {
    if (isSourceError(error, 'SOURCE_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function readIndex(answer: RegistryAnswer, about: OciReference): Promise<readonly Descriptor[]> {
  const body = await readBody(answer, MAX_INDEX_BYTES, () => tooMany(about));
  const subject = `${formatOciReference(about)}: the list of what refers to it`;
  const said = answer.headers.get('docker-content-digest')?.[0];
  if (said !== undefined && digestLike(said, body) !== said)
    throw new SourceError('SOURCE_DIGEST', `${subject} does not have the digest that it was sent with`);
  const index = readManifest(body, answer.headers.get('content-type')?.[0], subject);
  if (index.kind === 'index') return index.manifests;
  throw new SourceError('SOURCE_INVALID', `${subject} is no index`);
}

function tooMany(about: OciReference): SourceError {
  const shown = formatOciReference(about);
  return new SourceError('SOURCE_TOO_LARGE', `${shown}: more than ${MAX_REFERRERS} artefacts refer to it`);
}
