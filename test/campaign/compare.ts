// What the state has to be after a change and its revert: the same as before, apart from what can't come back by design.
// Each such case is computed here from what happened, and nothing else is let through:
// - an object that was adopted, and was deleted since, is the Transform's own now;
// - the graph's list of kinds may still name kinds that it had: it gets shorter only when the graph is written next;
// - what was sent to an object that is made once (mode Create) is not known any more after the inventory was lost;
// - an object that the Transform had to let go (deletionPolicy Orphan) was there before the Transform when it comes back:
//   it is shared from then on, and says so; under mode Create it is not written at all, so that it bears no mark;
// - who had an object before it was adopted is not known any more once the graph's status was lost.

import { APPLYSET_KINDS_ANNOTATION, APPLYSET_PART_OF_LABEL, ORIGIN_ANNOTATION } from '../../src/api/index.ts';
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '../../src/json/index.ts';
import { type JsonPath, membersAt, valueAt, withValue } from './json-path.ts';
import type { Snapshot } from './snapshot.ts';
import { TRANSFORM } from './world.ts';

export interface Expectation {
  readonly objects: JsonObject;
  /** True where it differs from the state before: the namespace is of no use for the next change. */
  readonly isOther: boolean;
}

const GRAPH = `ResourceGraph/${TRANSFORM}`;
const MAX_LINES = 14;
const MAX_VALUE_LENGTH = 160;

/** What a change takes away for good. */
export interface Losses {
  /** Keys of the objects that the Transform had to let go. */
  readonly released?: readonly string[];
  /** The graph's status was lost. */
  readonly losesStatus?: boolean;
}

export function expectationOf(base: Snapshot, now: Snapshot, losses: Losses): Expectation {
  const { released = [], losesStatus = false } = losses;
  let objects = base.objects;
  for (const key of Object.keys(base.uids)) {
    const isSame = base.uids[key] === now.uids[key];
    const origin = originOf(base.objects, key);
    if (origin === 'Adopted' && !isSame) objects = madeAnew(objects, now, key);
    else if (origin === 'Adopted' && released.includes(key)) objects = adoptedAgain(objects, now, key);
    else if (origin === 'Adopted' && losesStatus) objects = withoutFormerManagers(objects, now, key);
    else if (origin !== undefined && isSame && released.includes(key)) objects = cameBack(objects, now, key);
  }
  const isOther = objects !== base.objects;
  return { objects: withoutLostHashes(withFormerKinds(objects, now), now), isOther };
}

function originOf(objects: JsonObject, key: string): JsonValue | undefined {
  return valueAt(objects, [GRAPH, 'status', 'inventory', key, 'origin']);
}

/** The list of kinds, where all that have to be in it are. */
function withFormerKinds(objects: JsonObject, now: Snapshot): JsonObject {
  const path = [GRAPH, 'metadata', 'annotations', APPLYSET_KINDS_ANNOTATION];
  const seen = valueAt(now.objects, path);
  const listed = typeof seen === 'string' ? seen.split(',') : [];
  const needed = String(valueAt(objects, path)).split(',');
  return needed.every((kind) => listed.includes(kind)) ? withValue(objects, path, seen) : objects;
}

function withoutLostHashes(objects: JsonObject, now: Snapshot): JsonObject {
  let next = objects;
  for (const key of madeOnce(valueAt(objects, [GRAPH, 'spec', 'nodes']))) {
    const item = [GRAPH, 'status', 'inventory', key];
    for (const hash of ['sent', 'ownedPaths'])
      if (valueAt(now.objects, [...item, hash]) === undefined)
        next = withValue(next, [...item, hash], undefined);
  }
  return next;
}

/** Keys of the objects of nodes that only create. */
function madeOnce(nodes: JsonValue | undefined): readonly string[] {
  return (isJsonArray(nodes) ? nodes : [])
    .filter((node) => valueAt(node, ['applyPolicy', 'mode']) === 'Create')
    .map(
      (node) =>
        `${String(valueAt(node, ['object', 'kind']))}/${String(valueAt(node, ['object', 'metadata', 'name']))}`,
    );
}

/** With these hashes of what was sent, whatever they are. */
function withHashes(objects: JsonObject, now: Snapshot, key: string): JsonObject {
  const item = [GRAPH, 'status', 'inventory', key];
  let next = objects;
  for (const hash of ['sent', 'ownedPaths'])
    next = withValue(next, [...item, hash], valueAt(now.objects, [...item, hash]));
  return next;
}

/** The values of those who were there before went with it, and so did the mark. */
function madeAnew(before: JsonObject, now: Snapshot, key: string): JsonObject {
  const objects = withHashes(before, now, key);
  const next = withValue(objects, [GRAPH, 'status', 'inventory', key, 'origin'], 'Created');
  const nodeId = String(valueAt(objects, [GRAPH, 'status', 'inventory', key, 'nodeId']));
  const node = membersAt(next, [GRAPH, 'status', 'nodeStatus', nodeId]);
  const { adopted: _adopted, previousManagers: _managers, ...rest } = node;
  const live = withValue(
    membersAt(now.objects, [key]),
    ['metadata', 'annotations', ORIGIN_ANNOTATION],
    'forbidden',
  );
  const isMarked = valueAt(now.objects, [key, 'metadata', 'annotations', ORIGIN_ANNOTATION]) !== undefined;
  return {
    ...withValue(next, [GRAPH, 'status', 'nodeStatus', nodeId], rest),
    [key]: isMarked ? live : (now.objects[key] ?? null),
  };
}

/**
 * The mark belongs to what is applied, so its hashes are others. That the former share is nobody's (`pequod-released`)
 * may stay written there beside ours: it conflicts with nothing. The values are compared as ever.
 */
function cameBack(objects: JsonObject, now: Snapshot, key: string): JsonObject {
  let next = withHashes(objects, now, key);
  next = withValue(next, [GRAPH, 'status', 'inventory', key, 'origin'], 'Found');
  if (isMadeOnce(objects, key)) return untouched(next, now, key);
  next = withValue(next, [key, 'metadata', 'annotations', ORIGIN_ANNOTATION], 'found');
  return withValue(next, [key, 'managers'], membersAt(now.objects, [key, 'managers']));
}

function isMadeOnce(objects: JsonObject, key: string): boolean {
  const nodes = valueAt(objects, [GRAPH, 'spec', 'nodes']);
  return madeOnce(nodes).includes(key);
}

/** What was there before a node that only creates is not written to: it bears neither label nor annotation of ours. */
function untouched(objects: JsonObject, now: Snapshot, key: string): JsonObject {
  let next = withValue(objects, [key, 'managers'], valueAt(now.objects, [key, 'managers']));
  for (const marks of ['labels', 'annotations']) {
    const path = [key, 'metadata', marks];
    const left = Object.entries(membersAt(objects, path)).filter(
      ([name]) => !name.startsWith('pequod.io/') && name !== APPLYSET_PART_OF_LABEL,
    );
    const seen = valueAt(now.objects, path);
    next = withValue(
      next,
      path,
      left.length === 0 && seen === undefined ? undefined : Object.fromEntries(left),
    );
  }
  return next;
}

/** Nobody can find them out again; where they are known, they are the same. */
function withoutFormerManagers(objects: JsonObject, now: Snapshot, key: string): JsonObject {
  const nodeId = String(valueAt(objects, [GRAPH, 'status', 'inventory', key, 'nodeId']));
  const managers = [GRAPH, 'status', 'nodeStatus', nodeId, 'previousManagers'];
  return valueAt(now.objects, managers) === undefined ? withValue(objects, managers, undefined) : objects;
}

/** What is to be adopted is adopted again. Who had it first only the graph's status said, and that went with the graph. */
function adoptedAgain(objects: JsonObject, now: Snapshot, key: string): JsonObject {
  const next = withoutFormerManagers(withHashes(objects, now, key), now, key);
  return withValue(next, [key, 'managers'], membersAt(now.objects, [key, 'managers']));
}

/** Keys of objects of the graph that are not the very objects that they were. */
export function replacedObjects(base: Snapshot, now: Snapshot): readonly string[] {
  return Object.keys(base.uids).filter(
    (key) => originOf(base.objects, key) !== undefined && base.uids[key] !== now.uids[key],
  );
}

/** One line for each place that differs, a few at most. */
export function differences(expected: JsonObject, seen: JsonObject): readonly string[] {
  const lines: string[] = [];
  collect(expected, seen, [], lines);
  return lines.length > MAX_LINES
    ? [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more`]
    : lines;
}

function collect(
  expected: JsonValue | undefined,
  seen: JsonValue | undefined,
  path: JsonPath,
  lines: string[],
): void {
  if (isJsonObject(expected) && isJsonObject(seen)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(seen)]);
    for (const key of [...keys].sort()) collect(expected[key], seen[key], [...path, key], lines);
  } else if (isJsonArray(expected) && isJsonArray(seen) && expected.length === seen.length) {
    for (const [at, item] of expected.entries()) collect(item, seen[at], [...path, at], lines);
  } else if (textOf(expected) !== textOf(seen)) {
    lines.push(`${path.join(' . ')}: ${clip(textOf(expected))} → ${clip(textOf(seen))}`);
  }
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined ? '(absent)' : canonicalJson(value);
}

function clip(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
