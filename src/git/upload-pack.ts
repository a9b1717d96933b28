// The two questions that are asked of a git server: which refs there are, and the objects of one commit without its
// history. Version 2 of the protocol where the server speaks it; there any commit may be asked for, and a list of refs
// can be narrowed. Else version 0.
import { SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { type Advert, checkRefCount, type GitRef, parseAdvert, parseRefLine } from './advert.ts';
import { notGit, quoted } from './failures.ts';
import type { GitLimits } from './limits.ts';
import { DELIMITER, FLUSH, lineText, pktLine, pktLines } from './pkt-line.ts';
import { AGENT, type AskOptions, type GitSession } from './session.ts';

/** Framing, progress and the list of shallow commits around a pack. */
const PACK_OVERHEAD_BYTES = 1024 * 1024;
const [PACK_BAND, ERROR_BAND] = [1, 3];
/** Asked for under version 0. Nothing is ever acknowledged here, but some servers speak to no client without the first. */
const FEATURES_0 = ['multi_ack_detailed', 'side-band-64k', 'ofs-delta', 'no-progress'] as const;

export interface PackRequest {
  readonly wants: readonly string[];
  /** Leave file contents out, where the server can. */
  readonly isWithoutBlobs: boolean;
}

export interface UploadPackOptions extends Pick<AskOptions, 'admitLarge'> {
  /** The repository, for messages. */
  readonly place: string;
  readonly access: GitAccess;
  readonly limits: GitLimits;
}

/** One repository's answers, over one session. */
export class UploadPack {
  readonly #session: GitSession;
  readonly #advert: Advert;
  readonly #place: string;
  readonly #access: GitAccess;
  readonly #limits: GitLimits;
  readonly #admitLarge: () => Promise<void>;

  /** @throws SourceError where the server's first answer is none of git's. */
  constructor(session: GitSession, { access, admitLarge, limits, place }: UploadPackOptions) {
    this.#session = session;
    this.#advert = parseAdvert(session.advert, place, limits.maxRefs);
    this.#place = place;
    this.#access = access;
    this.#limits = limits;
    this.#admitLarge = admitLarge;
  }

  /** Whether a commit can be had without being the tip of a ref. */
  get servesAnyCommit(): boolean {
    const { version, capabilities } = this.#advert;
    return (
      version === 2 ||
      ['allow-reachable-sha1-in-want', 'allow-any-sha1-in-want'].some((name) => capabilities.has(name))
    );
  }

  /** Whether file contents can be left out of a pack, and had one by one. */
  get canFilter(): boolean {
    return this.#advert.version === 2 && this.#fetchFeatures().includes('filter');
  }

  /** Refs whose name starts with one of the prefixes; there may be others among them. */
  async refs(prefixes: readonly string[], signal: AbortSignal): Promise<readonly GitRef[]> {
    if (this.#advert.version === 1) return this.#advert.refs;
    const request = [
      ...this.#command('ls-refs'),
      DELIMITER,
      pktLine('peel'),
      pktLine('symrefs'),
      ...prefixes.map((prefix) => pktLine(`ref-prefix ${prefix}`)),
      FLUSH,
    ].join('');
    const answer = await this.#session.ask(
      request,
      { maxBytes: this.#limits.maxRefBytes, endsWith: 'flush', admitLarge: this.#admitLarge },
      signal,
    );
    const refs: GitRef[] = [];
    for (const line of pktLines(answer)) {
      if (typeof line === 'string') continue;
      const text = lineText(line);
      this.#checkError(text);
      if (!text.startsWith('unborn ')) refs.push(parseRefLine(text, this.#place));
      checkRefCount(refs.length, this.#place, this.#limits.maxRefs);
    }
    return refs;
  }

  /** The pack with what is wanted. @throws SourceError `SOURCE_CHANGED` where the server does not have it, or give it. */
  async pack(request: PackRequest, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const isVersion2 = this.#advert.version === 2;
    const answer = await this.#session.ask(
      isVersion2 ? this.#fetch2(request) : this.#fetch0(request),
      {
        maxBytes: this.#limits.maxPack.maxBytes + PACK_OVERHEAD_BYTES,
        endsWith: isVersion2 ? 'flush' : 'close',
        admitLarge: this.#admitLarge,
      },
      signal,
    );
    return this.#packIn(answer, isVersion2 ? 'packfile' : 'NAK');
  }

  #command(name: string): readonly string[] {
    const knowsFormats = this.#advert.capabilities.has('object-format');
    return [
      pktLine(`command=${name}`),
      pktLine(`agent=${AGENT}`),
      ...(knowsFormats ? [pktLine('object-format=sha1')] : []),
    ];
  }

  #fetchFeatures(): readonly string[] {
    return (this.#advert.capabilities.get('fetch') ?? '').split(' ');
  }

  #fetch2({ wants, isWithoutBlobs }: PackRequest): string {
    return [
      ...this.#command('fetch'),
      DELIMITER,
      pktLine('no-progress'),
      pktLine('ofs-delta'),
      ...(this.#fetchFeatures().includes('shallow') ? [pktLine('deepen 1')] : []),
      ...(isWithoutBlobs ? [pktLine('filter blob:none')] : []),
      ...wants.map((oid) => pktLine(`want ${oid}`)),
      pktLine('done'),
      FLUSH,
    ].join('');
  }

  #fetch0({ wants }: PackRequest): string {
    const { capabilities } = this.#advert;
    if (!capabilities.has('side-band-64k'))
      throw notGit(this.#place, 'the server is older than side-band-64k');
    const asked = FEATURES_0.filter((name) => capabilities.has(name));
    return [
      ...wants.map((oid, at) =>
        pktLine(at === 0 ? `want ${oid} ${asked.join(' ')} agent=${AGENT}` : `want ${oid}`),
      ),
      ...(capabilities.has('shallow') ? [pktLine('deepen 1')] : []),
      FLUSH,
      pktLine('done'),
    ].join('');
  }

  /** The pack's pieces, moved together where they are. */
  #packIn(answer: Buffer<ArrayBuffer>, start: 'NAK' | 'packfile'): Uint8Array<ArrayBuffer> {
    let isPack = false;
    let size = 0;
    for (const line of pktLines(answer)) {
      if (typeof line === 'string' || line.length === 0) continue;
      if (!isPack) {
        const text = lineText(line);
        this.#checkError(text);
        isPack = text === start;
        continue;
      }
      if (line[0] === ERROR_BAND) this.#checkError(`ERR ${lineText(line.subarray(1))}`);
      if (line[0] !== PACK_BAND) continue;
      // Never beyond what was read: the framing of each piece is left out.
      answer.set(line.subarray(1), size);
      size += line.length - 1;
    }
    if (size > this.#limits.maxPack.maxBytes) throw tooLarge(this.#place, this.#limits.maxPack.maxBytes);
    if (size === 0) throw notGit(this.#place, 'it sent no pack');
    return answer.subarray(0, size);
  }

  #checkError(text: string): void {
    if (!text.startsWith('ERR ')) return;
    const words = text.slice('ERR '.length);
    const said = quoted(words, this.#access);
    if (/not our ref|not valid|unadvertised/i.test(words)) {
      throw new SourceError('SOURCE_CHANGED', `${this.#place} does not have, or give, the commit${said}`);
    }
    throw new SourceError('SOURCE_UNAVAILABLE', `${this.#place} gave up${said}`);
  }
}

function tooLarge(place: string, maxBytes: number): SourceError {
  return new SourceError(
    'SOURCE_TOO_LARGE',
    `${place} sends a pack of over ${maxBytes} bytes: put modules into a repository of their own`,
  );
}
