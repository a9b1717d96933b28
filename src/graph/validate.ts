// What can be wrong with a single node, or with two that name the same object. Nothing here trusts the types: the nodes
// may come from a module or from an object in the cluster that someone edited.
import {
  durationMs,
  type GraphNode,
  identityKey,
  isResolvedNode,
  type ReadinessPredicateType,
  type ResolvedNode,
} from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import { identityOfNode } from './identity.ts';
import { whyNotIgnorable } from './ignore-field.ts';
import type { GraphProblem, GraphProblemCode } from './problem.ts';

const ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const PREDICATE_TYPES: ReadonlySet<string> = new Set<ReadinessPredicateType>([
  'ConditionMatch',
  'DeploymentAvailable',
  'StatefulSetReady',
  'JobComplete',
  'Exists',
  'CEL',
  'External',
  'Webhook',
]);
const CONDITION_STATUSES: ReadonlySet<string> = new Set(['True', 'False', 'Unknown']);

/** All problems of the nodes apart from their edges. */
export function validateNodes(nodes: readonly GraphNode[], namespace: string): readonly GraphProblem[] {
  const problems: GraphProblem[] = [];
  const byId = new Map<string, number>();
  const byObject = new Map<string, string>();
  for (const [index, node] of nodes.entries()) {
    const name = node.id === '' ? `#${index}` : node.id;
    const add = (code: GraphProblemCode, message: string): void => {
      problems.push({ code, nodeIds: [name], message: `node ${name} ${message}` });
    };
    if (typeof node.id !== 'string' || !ID.test(node.id)) {
      add('InvalidId', 'has an invalid id: up to 63 lowercase letters, digits and inner dashes are allowed');
    } else if (byId.has(node.id)) {
      add('DuplicateId', 'is declared twice');
    }
    byId.set(node.id, index);
    const invalid = isPending(node) ? whyNotPending(node.waitsFor) : whyNotObject(node.object);
    if (invalid !== undefined) {
      add('InvalidObject', invalid);
    } else if (isResolvedNode(node)) {
      const key = identityKey(identityOfNode(node, namespace));
      const other = byObject.get(key);
      if (other === undefined) byObject.set(key, name);
      else problems.push(duplicateObject(other, name, node));
    }
    if (node.readyWhen !== undefined) {
      for (const message of predicateProblems(node.readyWhen)) add('InvalidPredicate', message);
    }
    if (node.ignoreFields !== undefined) {
      for (const message of ignoreProblems(node.ignoreFields)) add('InvalidIgnoreField', message);
    }
  }
  return problems;
}

function isPending({ object, waitsFor }: GraphNode): boolean {
  return object === undefined && waitsFor !== undefined;
}

function whyNotPending(waitsFor: JsonValue | undefined): string | undefined {
  const isList = isJsonArray(waitsFor) && waitsFor.length > 0;
  return isList && waitsFor.every((path) => typeof path === 'string')
    ? undefined
    : 'waits for something that is not a list of paths';
}

function whyNotObject(object: JsonValue | undefined): string | undefined {
  if (!isJsonObject(object)) return 'has no object';
  const { apiVersion, kind, metadata } = object;
  if (typeof apiVersion !== 'string' || !/^([^/]+\/)?[^/]+$/.test(apiVersion)) {
    return 'has an object without a valid apiVersion';
  }
  if (typeof kind !== 'string' || kind === '') return 'has an object without kind';
  if (!isJsonObject(metadata)) return 'has an object without metadata';
  if (metadata['generateName'] !== undefined) {
    return 'uses metadata.generateName; an object that is kept needs a fixed name';
  }
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name === '') return 'has an object without metadata.name';
  if (namespace !== undefined && (typeof namespace !== 'string' || namespace === '')) {
    return 'has an object with an invalid metadata.namespace';
  }
  return undefined;
}

function duplicateObject(first: string, second: string, node: ResolvedNode): GraphProblem {
  const { kind, metadata } = node.object;
  const message = `nodes ${first} and ${second} are the same object: ${kind} ${metadata.name}`;
  return { code: 'DuplicateObject', nodeIds: [first, second], message };
}

function* predicateProblems(predicates: JsonValue): Generator<string> {
  if (!isJsonArray(predicates)) {
    yield 'has a readyWhen that is not a list';
    return;
  }
  for (const [at, predicate] of predicates.entries()) {
    const problem = isJsonObject(predicate) ? whyNotPredicate(predicate) : 'is not an object';
    if (problem !== undefined) yield `has an invalid readyWhen: entry ${at} ${problem}`;
  }
}

function whyNotPredicate(predicate: JsonObject): string | undefined {
  const { type, timeout, conditionType, conditionStatus } = predicate;
  if (typeof type !== 'string' || !PREDICATE_TYPES.has(type)) {
    return `has the unknown type ${JSON.stringify(type ?? null)}`;
  }
  if (timeout !== undefined) {
    const timeoutMs = typeof timeout === 'string' ? durationMs(timeout) : undefined;
    if (timeoutMs === undefined || timeoutMs <= 0) {
      return `has the timeout ${JSON.stringify(timeout)}, which is not a positive duration such as 90s or 5m`;
    }
  }
  if (type !== 'ConditionMatch') return undefined;
  if (typeof conditionType !== 'string' || conditionType === '') return 'lacks conditionType';
  if (conditionStatus === undefined) return undefined;
  return typeof conditionStatus === 'string' && CONDITION_STATUSES.has(conditionStatus)
    ? undefined
    : 'has a conditionStatus other than True, False or Unknown';
}

function* ignoreProblems(fields: JsonValue): Generator<string> {
  if (!isJsonArray(fields)) {
    yield 'has ignoreFields that is not a list';
    return;
  }
  for (const field of fields) {
    const problem = typeof field === 'string' ? whyNotIgnorable(field) : 'is not a string';
    if (problem !== undefined) yield `ignores ${JSON.stringify(field)}, which ${problem}`;
  }
}
