// Git over HTTP. Credentials go to the origin that the reference names, and to no other: a redirect elsewhere is asked
// without them, and every address is checked anew. A redirect never leads from https to http.
import type { EgressHttp, EgressStream } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { notGit } from './failures.ts';
import { quietly, statusFailure } from './http-status.ts';
import { LARGE_BYTES } from './large-answers.ts';
import { isPlainHttpHost } from './plain-http.ts';
import type { GitReference } from './reference.ts';
import { AGENT, type AskOptions, type GitSession, joined, SERVICE } from './session.ts';

const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REFS_PATH = '/info/refs';
const PROTOCOL = { 'git-protocol': 'version=2', 'user-agent': AGENT } as const;

/** Opens sessions over HTTP. */
export class HttpsTransport {
  readonly #http: EgressHttp;
  readonly #plainHttpHosts: readonly string[];
  readonly #now: () => number;

  /** @param now the time of the day, in milliseconds */
  constructor(http: EgressHttp, plainHttpHosts: readonly string[], now: () => number) {
    this.#http = http;
    this.#now = now;
    this.#plainHttpHosts = plainHttpHosts;
  }

  /** @throws SourceError, and what the network says */
  async open(
    reference: GitReference,
    access: GitAccess,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<GitSession> {
    const base = new URL(urlOf(reference));
    const talk: Talk = {
      http: this.#http,
      now: this.#now,
      reference,
      access,
      origin: base.origin,
      headers: headersOf(access, reference),
    };
    let url = new URL(`${base.href}${REFS_PATH}?service=${SERVICE}`);
    for (let redirects = 0; ; redirects++) {
      const answer = await talkTo(talk, { method: 'GET', url, maxBytes }, signal);
      if (REDIRECTS.has(answer.statusCode)) {
        await quietly(answer.discard());
        url = this.#next(url, answer, reference, redirects);
        continue;
      }
      const advert = await bodyOf(answer, 'advertisement', talk);
      return new HttpSession(talk, url.href.slice(0, url.href.lastIndexOf(REFS_PATH)), advert);
    }
  }

  #isPlain({ hostname, port, protocol }: URL): boolean {
    const host = hostname.replace(/^\[|\]$/g, '');
    return (
      protocol === 'http:' &&
      isPlainHttpHost(this.#plainHttpHosts, host, port === '' ? undefined : Number(port))
    );
  }

  #next(from: URL, { headers }: EgressStream, { place, transport }: GitReference, redirects: number): URL {
    if (redirects >= MAX_REDIRECTS) throw notGit(place, `it redirects over ${MAX_REDIRECTS} times`);
    const location = headers.get('location')?.[0] ?? '';
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isRefs = url?.pathname.endsWith(REFS_PATH) === true && url.search === `?service=${SERVICE}`;
    if (url === undefined || !isRefs) throw notGit(place, 'it redirects to what is no git repository');
    const isSafe = url.protocol === 'https:' || (transport === 'http' && this.#isPlain(url));
    if (isSafe && url.username === '' && url.password === '') return url;
    throw new SourceError(
      'SOURCE_REFUSED',
      `${place} redirects to a place without TLS, or with credentials in its URL`,
    );
  }
}

/** What stays the same through one session. */
interface Talk {
  readonly http: EgressHttp;
  readonly now: () => number;
  readonly reference: GitReference;
  readonly access: GitAccess;
  /** The only one that credentials are sent to. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Message {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly maxBytes: number;
  readonly body?: string;
}

class HttpSession implements GitSession {
  readonly advert: Buffer;
  readonly #talk: Talk;
  /** Where the repository turned out to be. */
  readonly #base: string;

  constructor(talk: Talk, base: string, advert: Buffer) {
    this.#talk = talk;
    this.#base = base;
    this.advert = advert;
  }

  async ask(
    body: string,
    { maxBytes, admitLarge }: AskOptions,
    signal: AbortSignal,
  ): Promise<Buffer<ArrayBuffer>> {
    const url = new URL(`${this.#base}/${SERVICE}`);
    const answer = await talkTo(this.#talk, { method: 'POST', url, maxBytes, body }, signal);
    return await bodyOf(answer, 'result', this.#talk, admitLarge);
  }

  /** Each request was whole. */
  close(): void {
    return;
  }
}

async function talkTo(
  { http, access, origin, headers }: Talk,
  { method, url, maxBytes, body }: Message,
  signal: AbortSignal,
): Promise<EgressStream> {
  const isOwn = url.origin === origin;
  const message = {
    method,
    url,
    maxBytes,
    headers: {
      ...PROTOCOL,
      ...(body === undefined
        ? {}
        : { 'content-type': `application/x-${SERVICE}-request`, accept: `application/x-${SERVICE}-result` }),
      ...(isOwn ? headers : {}),
    },
    ...(body === undefined ? {} : { body }),
    // A client certificate is a credential too.
    ...(access.tls === undefined ? {} : { tls: isOwn ? access.tls : authoritiesOf(access.tls) }),
  };
  return await http.open(message, signal);
}

function authoritiesOf({ ca }: NonNullable<GitAccess['tls']>): NonNullable<GitAccess['tls']> {
  return ca === undefined ? {} : { ca };
}

async function bodyOf(
  answer: EgressStream,
  kind: 'advertisement' | 'result',
  talk: Talk,
  admitLarge: () => Promise<void> = async () => undefined,
): Promise<Buffer<ArrayBuffer>> {
  const { reference, access, now } = talk;
  if (answer.statusCode !== 200) {
    await quietly(answer.discard());
    throw statusFailure(answer, reference, access, now());
  }
  const type = answer.headers.get('content-type')?.[0]?.split(';')[0]?.trim();
  if (type !== `application/x-${SERVICE}-${kind}`) {
    await quietly(answer.discard());
    throw notGit(reference.place, 'its answer is of another type; is it the URL of a repository?');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LARGE_BYTES) await admitLarge();
    chunks.push(chunk);
  }
  return joined(chunks);
}

function urlOf({ transport, host, port, path }: GitReference): string {
  const name = host.includes(':') ? `[${host}]` : host;
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return `${transport}://${name}${port === undefined ? '' : `:${port}`}/${encoded}`;
}

function headersOf({ credentials }: GitAccess, { place }: GitReference): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  if (credentials.type === 'ssh') {
    throw new SourceError(
      'SOURCE_AUTH',
      `${place} is asked over https, where an ssh key is of no use: give username and password, or a token`,
    );
  }
  if (credentials.type === 'bearer') {
    if (!/^[\x21-\x7e]+$/.test(credentials.token)) {
      throw new SourceError('SOURCE_AUTH', `the token for ${place} holds a character that no token may have`);
    }
    return { authorization: `Bearer ${credentials.token}` };
  }
  const { username, password } = credentials;
  if (username.includes(':')) throw new SourceError('SOURCE_AUTH', `the username for ${place} holds a colon`);
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
