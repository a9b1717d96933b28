// What the graphs want of their nodes' objects, as they say it now: which fields are left to others, and which
// expressions are to be answered. The watches of children need it to project an object, and see objects before any pass
// of their graph has run.
import { GRAPH_LABEL, type KubeObject, type NamespacedName, NODE_ANNOTATION } from '../../api/index.ts';
import type { Answers, ObservationInterests } from '../../apply/index.ts';
import {
  type CheckedExpression,
  ExpressionEvaluator,
  expressionHash,
  type WantedType,
} from '../../cel/index.ts';
import { applySetId } from '../../graph/index.ts';
import { isJsonArray, isJsonObject, type JsonObject } from '../../json/index.ts';

interface NodeInterest {
  /** JSON pointers. */
  readonly ignored: readonly string[];
  readonly expressions: readonly string[];
}

const NONE: readonly string[] = [];

export class NodeInterests implements ObservationInterests {
  readonly #evaluator = new ExpressionEvaluator();
  /** By graph id, then by node id; graphs and nodes without any are not in it. */
  readonly #interests = new Map<string, ReadonlyMap<string, NodeInterest>>();

  /** Takes in a graph as it is now; undefined where it is gone. */
  update(key: NamespacedName, graph: KubeObject | undefined): void {
    const graphId = applySetId(key);
    const interests = graph === undefined ? new Map<string, NodeInterest>() : interestsOf(graph);
    if (interests.size === 0) this.#interests.delete(graphId);
    else this.#interests.set(graphId, interests);
  }

  /** Fields of the child that its graph leaves to others. */
  ignoredPointersOf(child: KubeObject): readonly string[] {
    return this.#interestOf(child)?.ignored ?? NONE;
  }

  /** What the expressions of the child's node come to; undefined where it has none. */
  answersOf(child: KubeObject): Answers | undefined {
    const expressions = this.#interestOf(child)?.expressions ?? NONE;
    return expressions.length === 0 ? undefined : this.answer(expressions, child);
  }

  /** What the given expressions come to, by their hash. */
  answer(expressions: readonly string[], object: KubeObject): Answers {
    const evaluations = this.#evaluator.evaluateAll(expressions, object);
    return Object.fromEntries(evaluations.map((each, at) => [expressionHash(expressions[at] ?? ''), each]));
  }

  /** What is wrong with an expression; known ones are not looked at again. */
  checkExpression(text: string, wanted: WantedType): CheckedExpression {
    return this.#evaluator.check(text, wanted);
  }

  #interestOf({ metadata }: KubeObject): NodeInterest | undefined {
    const nodes = this.#interests.get(metadata.labels?.[GRAPH_LABEL] ?? '');
    return nodes?.get(metadata.annotations?.[NODE_ANNOTATION] ?? '');
  }
}

function interestsOf(graph: KubeObject): ReadonlyMap<string, NodeInterest> {
  const interests = new Map<string, NodeInterest>();
  const spec = graph['spec'];
  const nodes = isJsonObject(spec) ? spec['nodes'] : undefined;
  for (const node of isJsonArray(nodes) ? nodes : []) {
    if (!isJsonObject(node)) continue;
    const { id, ignoreFields } = node;
    const ignored = isJsonArray(ignoreFields)
      ? ignoreFields.filter((pointer) => typeof pointer === 'string')
      : NONE;
    const expressions = expressionsOf(node);
    if (typeof id === 'string' && ignored.length + expressions.length > 0) {
      interests.set(id, { ignored, expressions });
    }
  }
  return interests;
}

/** Every expression over the object of a node: its exports and its CEL predicates. The node may be of any shape. */
export function expressionsOf({ exports, readyWhen }: JsonObject): readonly string[] {
  const found = new Set<unknown>();
  if (isJsonObject(exports)) for (const expression of Object.values(exports)) found.add(expression);
  for (const predicate of isJsonArray(readyWhen) ? readyWhen : []) {
    if (!isJsonObject(predicate) || predicate['type'] !== 'CEL') continue;
    found.add(predicate['expression']).add(predicate['failedWhen']);
  }
  return [...found].filter((expression) => typeof expression === 'string');
}
