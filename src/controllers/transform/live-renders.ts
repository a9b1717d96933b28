// Renders that follow from nothing but live values. They may chase each other: a value decides a node, and the node the
// value. So they are slowed down while known values keep changing, and end where a graph comes back that was there
// before. A first value is no such change: there are only as many as there are exports.
import type { GraphNode, LiveRenders } from '../../api/index.ts';
import { canonicalJson } from '../../json/index.ts';
import { exponentialBackoff } from '../../runtime/index.ts';
import type { Hold } from './findings.ts';

/** Hashes that are kept. */
const MAX_HASHES = 16;
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60_000;
/** At least this long without a change begins anew. */
const MIN_QUIET_MS = 60_000;
const MAX_NAMED = 5;

/** What graphs have in common that differ by live values only. */
export interface LiveSubject {
  readonly generation: number;
  readonly digest: string;
  readonly question: string;
}

/** How fast the live values of one question came. */
export interface LivePace {
  /** The render's key apart from live values. */
  readonly question: string;
  /** Renders in a row for changed values. */
  readonly changes: number;
  readonly renderedAtMs: number;
  /** Of the values of the last render. */
  readonly values: ReadonlyMap<string, string>;
}

/** When a render with these values may begin; in the past where it may at once. */
export function paceDueMs(
  pace: LivePace | undefined,
  question: string,
  values: ReadonlyMap<string, string>,
  nowMs: number,
): number {
  if (pace?.question !== question || !isChange(pace.values, values) || isQuiet(pace, nowMs)) return nowMs;
  return pace.renderedAtMs + delayMs(pace.changes);
}

/** The pace after a render with these values. */
export function nextPace(
  pace: LivePace | undefined,
  question: string,
  values: ReadonlyMap<string, string>,
  nowMs: number,
): LivePace {
  const isSame = pace?.question === question;
  const before = isSame && !isQuiet(pace, nowMs) ? pace.changes : 0;
  const changes = isSame && isChange(pace.values, values) ? before + 1 : before;
  return { question, changes, renderedAtMs: nowMs, values };
}

function delayMs(changes: number): number {
  if (changes === 0) return 0;
  return exponentialBackoff(
    { baseMs: FIRST_DELAY_MS, factor: 2, maxMs: MAX_DELAY_MS, jitter: 0 },
    changes,
    () => 0,
  );
}

function isQuiet({ renderedAtMs, changes }: LivePace, nowMs: number): boolean {
  return nowMs - renderedAtMs > Math.max(MIN_QUIET_MS, 2 * delayMs(changes));
}

/** Whether a value that was known is another one, or gone. */
function isChange(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): boolean {
  return [...before].some(([path, hash]) => now.get(path) !== hash);
}

/** The record with one more graph. */
export function withRender(
  record: LiveRenders | undefined,
  about: LiveSubject,
  renderHash: string,
): LiveRenders {
  const hashes = isAbout(record, about) ? record.hashes : [];
  const all = hashes.at(-1) === renderHash ? hashes : [...hashes, renderHash];
  return { ...about, hashes: all.slice(-MAX_HASHES) };
}

/** Whether the record is of renders that differ by live values only. */
export function isAbout(
  record: LiveRenders | undefined,
  { generation, digest, question }: LiveSubject,
): record is LiveRenders {
  if (record === undefined) return false;
  return record.generation === generation && record.digest === digest && record.question === question;
}

/** Whether the last graph had been there before. */
export function isLoop({ hashes }: LiveRenders): boolean {
  const last = hashes.at(-1);
  return last !== undefined && hashes.indexOf(last) < hashes.length - 1;
}

/** What a Transform says that stays with the graph that it has. */
export function loopHold(
  running: readonly GraphNode[],
  wanted: readonly GraphNode[],
  changed: readonly string[],
): Hold {
  const before = new Map(running.map((node) => [node.id, canonicalJson(node)]));
  const after = new Map(wanted.map((node) => [node.id, canonicalJson(node)]));
  const ids = [...new Set([...before.keys(), ...after.keys()])].filter(
    (id) => before.get(id) !== after.get(id),
  );
  const values = changed.map((path) => `observed.${path}`);
  const cause = values.length === 0 ? 'live values' : named(values);
  const message =
    `${cause} would bring back an earlier graph, which led here: nodes ${named(ids)} go back and forth; ` +
    'the graph stays as it is until spec or module change';
  return { reason: 'ObservedLoop', message, isStalled: true };
}

function named(items: readonly string[]): string {
  const more = items.length - MAX_NAMED;
  return `${items.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The values that differ between two renders. */
export function changedValues(
  before: ReadonlyMap<string, string> | undefined,
  now: ReadonlyMap<string, string>,
): readonly string[] {
  const paths = new Set([...(before?.keys() ?? []), ...now.keys()]);
  return [...paths].filter((path) => before?.get(path) !== now.get(path)).sort();
}
