import { SourceError } from '../errors.ts';
import { isJsonArray } from '../json/index.ts';
import type { RegistryAccess } from './access.ts';
import { readBody, readJsonObject } from './body.ts';
import { readPages } from './pages.ts';
import { formatOciReference, isTag, type OciReference } from './reference.ts';
import type { RegistryTransport } from './transport.ts';

const MAX_TAGS = 10_000;
const PAGE_SIZE = 1_000;
const MAX_PAGE_BYTES = 2 * 2 ** 20;

/** All tags; texts that no reference could name are left out. Too many to know them all are an error, not a choice. */
export async function listTags(
  transport: RegistryTransport,
  { host, repository }: OciReference,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const reference = { host, repository };
  const shown = formatOciReference(reference);
  const tags = new Set<string>();
  const request = { reference, access, at: `tags/list?n=${PAGE_SIZE}`, maxBytes: MAX_PAGE_BYTES };
  const tooMany = (): SourceError =>
    new SourceError(
      'SOURCE_TOO_LARGE',
      `${shown} has more than ${MAX_TAGS} tags; name one in place of a range`,
    );
  await readPages(transport, request, signal, async (answer) => {
    const page = readJsonObject(
      await readBody(answer, MAX_PAGE_BYTES, tooMany),
      `${shown}: the list of tags`,
    );
    // A repository whose last tag was deleted has null.
    const listed = page['tags'] ?? [];
    if (!isJsonArray(listed))
      throw new SourceError('SOURCE_INVALID', `${shown}: the list of tags is no list`);
    for (const tag of listed) if (typeof tag === 'string' && isTag(tag)) tags.add(tag);
    if (tags.size > MAX_TAGS) throw tooMany();
  });
  return [...tags];
}
