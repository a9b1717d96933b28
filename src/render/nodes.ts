// The nodes as a module yields them, checked member by member. Whether ids, dependencies and objects fit together is
// for the plan of the graph to say; here each node is looked at alone.
import type { CueChild } from 'cuelang-wasm';
import {
  type GraphNode,
  isKubeObject,
  type KubeObject,
  type ReadinessPredicate,
  type Violation,
} from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json/index.ts';

const NODE_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const GO_DURATION = /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;
const POINTER = /^(\/([^/~]|~[01])*)+$/;
const PLAIN_PREDICATES: ReadonlySet<string> = new Set([
  'DeploymentAvailable',
  'Exists',
  'JobComplete',
  'StatefulSetReady',
]);
const CONDITION_STATUSES: ReadonlySet<JsonValue | undefined> = new Set([
  undefined,
  'True',
  'False',
  'Unknown',
]);

/** Collects what is wrong with one node. */
type Report = (path: string, message: string) => void;

export interface DecodedNodes {
  readonly nodes: readonly GraphNode[];
  readonly violations: readonly Violation[];
}

/** Reads nodes in either form: fields of a struct, keyed by id, or elements of a list that carry theirs. */
export function decodeNodes(children: readonly CueChild[], isList: boolean): DecodedNodes {
  const nodes: GraphNode[] = [];
  const violations: Violation[] = [];
  for (const { label, json } of children) {
    if (json === undefined) continue;
    const at = isList ? `graph.nodes[${label}]` : `graph.nodes.${label}`;
    const report: Report = (path, message) =>
      violations.push({ path: `${at}${path}`, message, severity: 'Error' });
    const node = decodeNode(parseJson(json), isList ? undefined : label, report);
    if (node !== undefined) nodes.push(node);
  }
  return { nodes, violations };
}

function decodeNode(value: JsonValue, key: string | undefined, report: Report): GraphNode | undefined {
  if (!isJsonObject(value)) {
    report('', 'a node is a struct with a field object');
    return undefined;
  }
  const { id, object, dependsOn, deletionPolicy, ignoreFields, readyWhen, ...unknown } = value;
  for (const name of Object.keys(unknown)) report(`.${name}`, 'a node has no such field');
  const nodeId = decodeId(id, key, report);
  const decoded = decodeObject(object, report);
  if (nodeId === undefined || decoded === undefined) return undefined;
  return {
    id: nodeId,
    object: decoded,
    ...optional('dependsOn', strings(dependsOn, '.dependsOn', NODE_ID, 'is not the id of a node', report)),
    ...optional('deletionPolicy', decodeDeletionPolicy(deletionPolicy, report)),
    ...optional(
      'ignoreFields',
      strings(ignoreFields, '.ignoreFields', POINTER, 'is not a JSON pointer', report),
    ),
    ...optional('readyWhen', decodePredicates(readyWhen, report)),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  const member: { [P in K]?: V } = {};
  if (value !== undefined) member[key] = value;
  return member;
}

function decodeId(id: JsonValue | undefined, key: string | undefined, report: Report): string | undefined {
  if (key !== undefined && id !== undefined && id !== key) {
    report('.id', `the node is called ${JSON.stringify(id)} here and ${JSON.stringify(key)} in nodes`);
  }
  const found = key ?? id;
  if (typeof found === 'string' && NODE_ID.test(found)) return found;
  report(
    '',
    `the id of a node is at most 63 of a-z, 0-9 and inner "-": ${JSON.stringify(found) ?? 'it has none'}`,
  );
  return undefined;
}

function decodeObject(object: JsonValue | undefined, report: Report): KubeObject | undefined {
  if (isKubeObject(object)) {
    const { apiVersion, kind, metadata } = object;
    if (apiVersion !== '' && kind !== '' && typeof metadata.name === 'string' && metadata.name !== '')
      return object;
  }
  report('.object', 'an object needs apiVersion, kind and metadata.name');
  return undefined;
}

function decodeDeletionPolicy(value: JsonValue | undefined, report: Report): 'Delete' | 'Orphan' | undefined {
  if (value === undefined || value === 'Delete' || value === 'Orphan') return value;
  report('.deletionPolicy', `is Delete or Orphan, not ${JSON.stringify(value)}`);
  return undefined;
}

function strings(
  value: JsonValue | undefined,
  path: string,
  pattern: RegExp,
  complaint: string,
  report: Report,
): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!isJsonArray(value)) {
    report(path, 'is a list of strings');
    return undefined;
  }
  const isGood = (item: JsonValue): item is string => typeof item === 'string' && pattern.test(item);
  for (const [at, item] of value.entries()) {
    if (!isGood(item)) report(`${path}[${at}]`, `${JSON.stringify(item)} ${complaint}`);
  }
  return value.filter(isGood);
}

function decodePredicates(
  value: JsonValue | undefined,
  report: Report,
): readonly ReadinessPredicate[] | undefined {
  if (value === undefined) return undefined;
  if (!isJsonArray(value)) {
    report('.readyWhen', 'is a list of predicates');
    return undefined;
  }
  return value.flatMap((item, at) => {
    const problem = isJsonObject(item) ? predicateProblem(item) : 'is a struct with a type';
    if (problem !== undefined) report(`.readyWhen[${at}]`, problem);
    return isPredicate(item) ? [item] : [];
  });
}

function isPredicate(value: JsonValue): value is ReadinessPredicate {
  return isJsonObject(value) && predicateProblem(value) === undefined;
}

function predicateProblem(predicate: JsonObject): string | undefined {
  const { type, timeout, ...others } = predicate;
  if (timeout !== undefined && !(typeof timeout === 'string' && GO_DURATION.test(timeout))) {
    return `${JSON.stringify(timeout)} is no duration such as 90s or 5m`;
  }
  if (typeof type !== 'string') return 'has no type';
  let rest: JsonObject = others;
  if (type === 'ConditionMatch') {
    const { conditionType, conditionStatus, ...unknown } = others;
    if (typeof conditionType !== 'string' || conditionType === '') return 'needs a conditionType';
    if (!CONDITION_STATUSES.has(conditionStatus)) return 'conditionStatus is True, False or Unknown';
    rest = unknown;
  } else if (!PLAIN_PREDICATES.has(type)) {
    return `there is no predicate ${type}`;
  }
  const [unknown] = Object.keys(rest);
  return unknown === undefined ? undefined : `${type} has no field ${unknown}`;
}
