// What a dry-run would change in a live object, field by field. Both sides are answers of the API server, so that
// defaults and what admission adds are on both and don't show.
//
// Invariant: no value of a Secret leaves this file. Of an object where either side is a Secret only paths are told.
import { MAX_PLAN_CHANGES, MAX_PLAN_VALUE_LENGTH } from '../api/crd/index.ts';
import type { KubeObject, PlanChange } from '../api/index.ts';
import { canonicalJson, isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';

/** What stands for a value of a Secret. */
export const MASKED = '***';

const MAX_PATH_LENGTH = 512;
/** What the API server keeps about an object by itself. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/** The changes, and whether there are more than are listed. */
export interface FoundChanges {
  readonly changes: readonly PlanChange[];
  readonly isCut: boolean;
}

/** True for the core kind Secret. */
export function isSecret({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  return kind === 'Secret' && !apiVersion.includes('/');
}

/** What is different between an object as it is and as it would be. */
export function changesBetween(live: KubeObject, wanted: KubeObject): FoundChanges {
  const found: Difference[] = [];
  compare(comparable(live), comparable(wanted), '', found);
  const isMasked = isSecret(live) || isSecret(wanted);
  const changes = found.slice(0, MAX_PLAN_CHANGES).map((difference) => told(difference, isMasked));
  return { changes, isCut: found.length > MAX_PLAN_CHANGES };
}

interface Difference {
  readonly path: string;
  readonly from: JsonValue | undefined;
  readonly to: JsonValue | undefined;
}

function told({ path, from, to }: Difference, isMasked: boolean): PlanChange {
  return {
    path: clip(path === '' ? '.' : path, MAX_PATH_LENGTH),
    ...(from === undefined ? {} : { from: isMasked ? MASKED : shortJson(from) }),
    ...(to === undefined ? {} : { to: isMasked ? MASKED : shortJson(to) }),
  };
}

/** The object without status and without what the API server keeps about it. */
function comparable({ status: _status, ...object }: KubeObject): JsonObject {
  const metadata = Object.entries(object.metadata).filter(([name]) => !SERVER_METADATA.has(name));
  return { ...object, metadata: Object.fromEntries(metadata) };
}

function compare(
  from: JsonValue | undefined,
  to: JsonValue | undefined,
  path: string,
  found: Difference[],
): void {
  if (isJsonObject(from) && isJsonObject(to)) compareObjects(from, to, path, found);
  else if (isJsonArray(from) && isJsonArray(to)) compareLists(from, to, path, found);
  else if (!isEqual(from, to)) found.push({ path, from, to });
}

/** A field that is null is there; one that is absent is not. */
function isEqual(from: JsonValue | undefined, to: JsonValue | undefined): boolean {
  if (from === undefined || to === undefined) return from === to;
  return canonicalJson(from) === canonicalJson(to);
}

function compareObjects(from: JsonObject, to: JsonObject, path: string, found: Difference[]): void {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  for (const name of names) compare(own(from, name), own(to, name), `${path}.${name}`, found);
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Lists of named things are compared by name, lists of one length by position, others as a whole. */
function compareLists(
  from: readonly JsonValue[],
  to: readonly JsonValue[],
  path: string,
  found: Difference[],
): void {
  const [named, wanted] = [byName(from), byName(to)];
  if (named !== undefined && wanted !== undefined) {
    for (const name of new Set([...named.keys(), ...wanted.keys()]))
      compare(named.get(name), wanted.get(name), `${path}[name=${JSON.stringify(name)}]`, found);
  } else if (from.length === to.length) {
    from.forEach((item, index) => {
      compare(item, to[index], `${path}[${index}]`, found);
    });
  } else {
    found.push({ path, from: [...from], to: [...to] });
  }
}

function byName(list: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | undefined {
  const named = new Map<string, JsonValue>();
  for (const item of list) {
    const name = isJsonObject(item) ? item['name'] : undefined;
    if (typeof name !== 'string' || named.has(name)) return undefined;
    named.set(name, item);
  }
  return named;
}

function shortJson(value: JsonValue): string {
  return clip(canonicalJson(value), MAX_PLAN_VALUE_LENGTH);
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
