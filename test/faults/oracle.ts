// What a run has to lead to: what the run without a fault led to. Every object of the namespace, how often each was
// created and deleted, which objects are the very same as before, and the inventory.
import { GRAPH_LABEL, RESOURCE_GRAPH_KIND } from '../../src/api/index.ts';
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '../../src/json/index.ts';
import { CONTROLLER_REVISIONS } from '../../src/kube/index.ts';
import { differences } from '../campaign/compare.ts';
import { membersAt, valueAt, withValue } from '../campaign/json-path.ts';
import { takeSnapshot } from '../campaign/snapshot.ts';
import { TRANSFORM, type World } from '../campaign/world.ts';
import type { SeenCall } from './proxy/types.ts';

/** The state of a namespace, and what it took to get there. */
export interface Outcome {
  readonly objects: JsonObject;
  /** By `Kind/name`. */
  readonly uids: Readonly<Record<string, string>>;
  /** What landed, by object: `<resource>/<name> created`, `… deleted`, and how often. */
  readonly changes: Readonly<Record<string, number>>;
  /** What the inventory says that is not so, and what it leaves out. */
  readonly inventoryFaults: readonly string[];
}

const GRAPH = `${RESOURCE_GRAPH_KIND}/${TRANSFORM}`;
/** Hashes that cover the name of the namespace. That they are right shows when nothing is written after a restart. */
const PLACED_HASHES = ['sent', 'ownedPaths'];

export async function takeOutcome(world: World, calls: readonly SeenCall[]): Promise<Outcome> {
  const [{ objects, uids }, graph, revisions] = await Promise.all([
    takeSnapshot(world),
    world.find(RESOURCE_GRAPH_KIND, TRANSFORM),
    world.list(CONTROLLER_REVISIONS),
  ]);
  const numbers = revisions.map(({ revision }) => Number(revision)).sort((a, b) => a - b);
  const graphId = graph?.metadata.labels?.['applyset.kubernetes.io/id'];
  return {
    objects: { ...unplaced(objects, world.namespace, graphId), revisions: numbers },
    uids,
    changes: changesOf(calls),
    inventoryFaults: inventoryFaults(membersAt(graph, ['status']), objects, uids),
  };
}

/** One line for each thing that is not as it is after the run without a fault. */
export function compareOutcomes(
  expected: { readonly before: Outcome | undefined; readonly after: Outcome },
  before: Outcome | undefined,
  after: Outcome,
): readonly string[] {
  const kept = Object.keys(expected.after.uids).filter(
    (key) => expected.before?.uids[key] === expected.after.uids[key],
  );
  return [
    ...differences(expected.after.objects, after.objects),
    ...differences(expected.after.changes, after.changes).map((line) => `landed at the API server: ${line}`),
    ...kept
      .filter((key) => before?.uids[key] !== after.uids[key])
      .map((key) => `${key}: was replaced, and had no reason to be`),
    ...after.inventoryFaults,
  ];
}

/** Without what only says which namespace it is. */
function unplaced(objects: JsonObject, namespace: string, graphId: string | undefined): JsonObject {
  const named = canonicalJson(objects).replaceAll(namespace, 'NAMESPACE');
  const parsed = parseJson(graphId === undefined ? named : named.replaceAll(graphId, 'GRAPH'));
  let next: JsonObject = isJsonObject(parsed) ? parsed : {};
  const inventory = [GRAPH, 'status', 'inventory'];
  for (const key of Object.keys(membersAt(next, inventory)))
    for (const hash of PLACED_HASHES)
      if (valueAt(next, [...inventory, key, hash]) !== undefined)
        next = withValue(next, [...inventory, key, hash], 'HASH');
  return next;
}

function changesOf(calls: readonly SeenCall[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { verb, resource, name, isWrite, isLease, landed } of calls) {
    if (!isWrite || isLease || landed === undefined) continue;
    const isCreation = ['create', 'apply'].includes(verb) && landed.status === 201;
    const isDeletion = verb === 'delete' && landed.status >= 200 && landed.status < 300;
    if (!isCreation && !isDeletion) continue;
    // Names of revisions hold a hash of the Transform's uid.
    const which = resource === 'controllerrevisions.apps' ? '*' : (name ?? '*');
    const key = `${resource}/${which} ${isCreation ? 'created' : 'deleted'}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function inventoryFaults(
  status: JsonObject,
  objects: JsonObject,
  uids: Readonly<Record<string, string>>,
): readonly string[] {
  const { items } = membersAt(status, ['inventory']);
  const recorded = new Map(
    (isJsonArray(items) ? items : [])
      .filter(isJsonObject)
      .map((item) => [`${String(item['kind'])}/${String(item['name'])}`, textOf(item['uid'])]),
  );
  const ours = Object.keys(objects).filter(
    (key) => key !== GRAPH && valueAt(objects, [key, 'metadata', 'labels', GRAPH_LABEL]) !== undefined,
  );
  return [
    ...[...recorded]
      .filter(([key, uid]) => uids[key] !== uid)
      .map(([key, uid]) => `the inventory has ${key} with uid ${uid}, there is ${uids[key] ?? 'none'}`),
    ...ours.filter((key) => !recorded.has(key)).map((key) => `the inventory leaves out ${key}`),
  ];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '(none)';
}
