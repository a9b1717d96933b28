// Lists that a registry gives out page by page. The next page is where the Link header points at: on the registry's own
// host, and only so many times.
import { SourceError } from '../errors.ts';
import { formatOciReference } from './reference.ts';
import type { RegistryAnswer, RegistryRequest, RegistryTransport } from './transport.ts';

const MAX_PAGES = 100;

/** Reads all pages of `request`. @throws SourceError, also where the pages don't end. */
export async function readPages(
  transport: RegistryTransport,
  request: RegistryRequest,
  signal: AbortSignal,
  readPage: (answer: RegistryAnswer) => Promise<void>,
): Promise<void> {
  let at: RegistryRequest['at'] | undefined = request.at;
  for (let pages = 0; at !== undefined; pages += 1) {
    const { reference } = request;
    if (pages >= MAX_PAGES)
      throw new SourceError(
        'SOURCE_TOO_LARGE',
        `${formatOciReference(reference)}: more than ${MAX_PAGES} pages`,
      );
    at = await transport.call({ ...request, at }, signal, async (answer) => {
      await readPage(answer);
      const target = nextTarget(answer.headers.get('link') ?? []);
      if (target === undefined) return undefined;
      const next = transport.next(target, answer.url, reference);
      if (next.origin === answer.url.origin) return next;
      const message = `${formatOciReference(reference)}: ${reference.host} has its next page on another host, ${next.host}`;
      throw new SourceError('SOURCE_REFUSED', message);
    });
  }
}

/** The target of the link whose relation is `next`. */
function nextTarget(lines: readonly string[]): string | undefined {
  for (const [, target, parameters = ''] of lines.join(', ').matchAll(/<([^<>]{0,4096})>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*"?next"?/i.test(parameters)) return target;
  }
  return undefined;
}
