// What can be wrong with a single node, or with two that name the same object. Nothing here trusts the types: the nodes
// may come from a module or from an object in the cluster that someone edited.
import { graphNodeProblems } from '../api/crd/index.ts';
import { type GraphNode, identityKey, isResolvedNode, type ResolvedNode } from '../api/index.ts';
import { type CheckedExpression, checkExpression, type WantedType } from '../cel/index.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../json/index.ts';
import { identityOfNode } from './identity.ts';
import { whyNotIgnorable } from './ignore-field.ts';
import type { GraphProblem, GraphProblemCode } from './problem.ts';

const ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Fields about the live object, by what a problem in them is. */
const LIVE_FIELDS: ReadonlyMap<string, GraphProblemCode> = new Map([
  ['readyWhen', 'InvalidPredicate'],
  ['exports', 'InvalidExport'],
]);

/** What is wrong with an expression. */
export type ExpressionCheck = (text: string, wanted: WantedType) => CheckedExpression;

/** All problems of the nodes apart from their edges. */
export function validateNodes(
  nodes: readonly GraphNode[],
  namespace: string,
  check: ExpressionCheck = checkExpression,
): readonly GraphProblem[] {
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
    if (node.readyWhen !== undefined || node.exports !== undefined) {
      for (const [code, message] of liveProblems(node, check)) add(code, message);
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

/** What is wrong with readiness predicates and exports: their shape, or an expression in them. */
function* liveProblems(node: GraphNode, check: ExpressionCheck): Generator<[GraphProblemCode, string]> {
  let isSound = true;
  for (const { path, message } of graphNodeProblems(node)) {
    const code = LIVE_FIELDS.get(/^\w+/.exec(path)?.[0] ?? '');
    if (code === undefined) continue;
    isSound = false;
    yield [code, `has an invalid ${path}: ${message}`];
  }
  if (isSound) yield* expressionProblems(node, check);
}

function* expressionProblems(
  { object, readyWhen, exports }: GraphNode,
  check: ExpressionCheck,
): Generator<[GraphProblemCode, string]> {
  for (const [at, predicate] of (readyWhen ?? []).entries()) {
    if (predicate.type !== 'CEL') continue;
    for (const name of ['expression', 'failedWhen'] as const) {
      const checked =
        predicate[name] === undefined ? ({ ok: true } as const) : check(predicate[name], 'bool');
      if (!checked.ok)
        yield ['InvalidPredicate', `has an invalid readyWhen[${at}].${name}: ${checked.message}`];
    }
  }
  const names = Object.keys(exports ?? {});
  if (names.length > 0 && object?.kind === 'Secret' && object.apiVersion === 'v1') {
    yield ['InvalidExport', `exports ${names.join(', ')} of a Secret: what is in a Secret stays there`];
    return;
  }
  for (const name of names) {
    const checked = check(exports?.[name] ?? '', 'any');
    if (!checked.ok) yield ['InvalidExport', `has an invalid exports.${name}: ${checked.message}`];
  }
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
