// What a git server says first. Versions 0 and 1 list all refs, with what the server can do behind the first one; version
// 2 lists only what it can do.
import { SourceError } from '../errors.ts';
import { notGit } from './failures.ts';
import { lineText, type PktLine, pktLines } from './pkt-line.ts';
import { SERVICE } from './session.ts';

export interface GitRef {
  readonly name: string;
  readonly oid: string;
  /** What an annotated tag stands for in the end. */
  readonly peeled?: string;
  /** The ref that a symbolic one, such as HEAD, stands for. */
  readonly target?: string;
}

export interface Advert {
  readonly version: 1 | 2;
  /** By name; the value is empty where there is none. */
  readonly capabilities: ReadonlyMap<string, string>;
  /** All of them in version 1, none in version 2. */
  readonly refs: readonly GitRef[];
}

const OID = /^[0-9a-f]{40}$/;

/** @throws SourceError, PktLineError */
export function parseAdvert(bytes: Buffer, place: string, maxRefs: number): Advert {
  const lines = [...linesOf(bytes, place)];
  if (lines[0] === 'version 2')
    return { version: 2, capabilities: capabilities(lines.slice(1), place), refs: [] };
  if (lines[0] === 'version 1') lines.shift();
  const [first = '', words = ''] = (lines[0] ?? '').split('\0');
  const able = capabilities(words.split(' '), place);
  const refs: GitRef[] = [];
  for (const line of [first, ...lines.slice(1)]) addRef(refs, line, place, maxRefs);
  return { version: 1, capabilities: able, refs: withTargets(refs, words) };
}

/** @throws SourceError where a line is none, or there are too many. */
export function parseRefLine(line: string, place: string): GitRef {
  const [oid = '', name = '', ...attributes] = line.split(' ');
  if (!OID.test(oid) || name === '') throw notGit(place, 'a line of its list of refs is none');
  const attribute = (key: string): string | undefined =>
    attributes.find((text) => text.startsWith(`${key}:`))?.slice(key.length + 1);
  const peeled = attribute('peeled');
  const target = attribute('symref-target');
  return {
    name,
    oid,
    ...(peeled !== undefined && OID.test(peeled) ? { peeled } : {}),
    ...(target === undefined ? {} : { target }),
  };
}

/** @throws SourceError */
export function checkRefCount(count: number, place: string, maxRefs: number): void {
  if (count <= maxRefs) return;
  throw new SourceError('SOURCE_TOO_LARGE', `${place} has over ${maxRefs} refs, which are not read`);
}

function* linesOf(bytes: Buffer, place: string): Generator<string> {
  const texts = (line: PktLine): readonly string[] => (typeof line === 'string' ? [] : [lineText(line)]);
  for (const line of pktLines(bytes)) {
    for (const text of texts(line)) {
      if (text === `# service=${SERVICE}`) continue;
      if (text.startsWith('ERR ')) throw new SourceError('SOURCE_NOT_FOUND', `${place} refuses to be read`);
      yield text;
    }
  }
}

function capabilities(words: readonly string[], place: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    found.set(equals < 0 ? word : word.slice(0, equals), equals < 0 ? '' : word.slice(equals + 1));
  }
  const format = found.get('object-format') ?? 'sha1';
  if (format === 'sha1') return found;
  throw new SourceError(
    'SOURCE_INVALID',
    `${place} names its objects by ${/^\w{1,16}$/.test(format) ? format : 'another hash'}: only SHA-1 is read`,
  );
}

function addRef(refs: GitRef[], line: string, place: string, maxRefs: number): void {
  // A repository without any ref has a line that only carries what the server can do.
  if (line === '' || line.endsWith(' capabilities^{}') || /^(un)?shallow /.test(line)) return;
  const ref = parseRefLine(line, place);
  const last = refs.at(-1);
  if (ref.name.endsWith('^{}') && last !== undefined && ref.name === `${last.name}^{}`) {
    refs[refs.length - 1] = { ...last, peeled: ref.oid };
    return;
  }
  refs.push(ref);
  checkRefCount(refs.length, place, maxRefs);
}

function withTargets(refs: readonly GitRef[], words: string): readonly GitRef[] {
  const targets = new Map<string, string>();
  for (const word of words.split(' ')) {
    const [, from, to] = /^symref=([^:]+):(.+)$/.exec(word) ?? [];
    if (from !== undefined && to !== undefined) targets.set(from, to);
  }
  return refs.map((ref) => {
    const target = targets.get(ref.name);
    return target === undefined ? ref : { ...ref, target };
  });
}
