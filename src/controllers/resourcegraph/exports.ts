// What a node's object answers to the node's exports, as the graph's status says it to the renderer.
//
// Invariants:
// - a value comes only from the object that our own apply returned: its uid is the one in the inventory;
// - a value lasts until that uid, or the expression, changes. Where the new one is not answered it is lost: the entry
//   stays without a value, and nothing is pruned meanwhile, since a module may leave out a node for want of it;
// - what is said of an expression was asked of the object: nothing is pruned before that.
import type { ExportedValue, NodeExports, NodeStatuses } from '../../api/index.ts';
import type { Observation } from '../../apply/index.ts';
import { type Evaluation, expressionHash } from '../../cel/index.ts';
import type { Plan, PlanNode } from '../../graph/index.ts';
import { canonicalJson } from '../../json/index.ts';

/** The object of a node, as far as it is the node's. */
export interface Producer {
  /** Of the object that our last apply returned; undefined before the first. */
  readonly uid: string | undefined;
  /** Undefined where the watch sees no object. */
  readonly observation: Observation | undefined;
}

/** The exports of a node after a pass; undefined where it declares none. */
export function publishExports(
  { node }: PlanNode,
  previous: NodeExports | undefined,
  producer: Producer,
  nowIso: string,
): NodeExports | undefined {
  const published: { [name: string]: ExportedValue } = {};
  for (const [name, expression] of Object.entries(node.exports ?? {})) {
    if (expression === undefined) continue;
    const exprHash = expressionHash(expression);
    const next = publishOne(exprHash, previous?.[name], producer, nowIso);
    if (next !== undefined) published[name] = next;
  }
  return Object.keys(published).length === 0 ? undefined : published;
}

function publishOne(
  exprHash: string,
  last: ExportedValue | undefined,
  { uid, observation }: Producer,
  nowIso: string,
): ExportedValue | undefined {
  // Of a node that is not applied: what was said stays, and of which expression.
  if (uid === undefined) return last;
  const answer = observation?.uid === uid ? observation.answers?.[exprHash] : undefined;
  if (answer?.type === 'value') return { value: answer.value, exprHash, uid };
  const wasPublished = last !== undefined && (last.value !== undefined || last.lostAt !== undefined);
  const isSame = last?.exprHash === exprHash;
  if (wasPublished && isSame && last.uid === uid) return last;
  if (wasPublished)
    return { exprHash, uid: last.uid, lostAt: last.lostAt ?? nowIso, message: whyNoValue(answer) };
  return answer === undefined ? undefined : { exprHash, uid, message: whyNoValue(answer) };
}

function whyNoValue(answer: Exclude<Evaluation, { readonly type: 'value' }> | undefined): string {
  if (answer === undefined) return 'the object has not been seen yet';
  return answer.type === 'missing' ? `not there yet: ${answer.message}` : answer.message;
}

/** The statuses with the exports of `exportsOf` in place of those that they carry. */
export function withExports(
  statuses: NodeStatuses,
  exportsOf: (nodeId: string) => NodeExports | undefined,
): NodeStatuses {
  const result: { [nodeId: string]: NodeStatuses[string] } = {};
  for (const [nodeId, status] of Object.entries(statuses)) {
    if (status === undefined) continue;
    const { exports: _exports, ...rest } = status;
    const exports = exportsOf(nodeId);
    result[nodeId] = exports === undefined ? rest : { ...rest, exports };
  }
  return result;
}

/** True where two sets of statuses say the same apart from exports. */
export function areEqualButForExports(one: NodeStatuses | undefined, other: NodeStatuses): boolean {
  const without = (statuses: NodeStatuses): string => canonicalJson(withExports(statuses, () => undefined));
  return without(one ?? {}) === without(other);
}

/**
 * Why nothing is pruned, whatever the graph has no node for any more; undefined where nothing holds it.
 * @param isApplied whether the node's object is in the cluster, as far as the inventory says
 */
export function whyPruningIsHeld(
  plan: Pick<Plan, 'nodes'>,
  statuses: NodeStatuses,
  isApplied: (nodeId: string) => boolean,
): string | undefined {
  for (const planNode of plan.nodes) {
    const { id, node } = planNode;
    if (planNode.isPending) return `node ${id} waits for ${planNode.waitsFor.join(', ')}`;
    for (const [name, expression] of Object.entries(node.exports ?? {})) {
      const exported = statuses[id]?.exports?.[name];
      if (exported?.lostAt !== undefined)
        return `observed.${id}.${name} is lost since ${exported.lostAt}: ${exported.message ?? 'no value'}`;
      const isAsked = expression === undefined || exported?.exprHash === expressionHash(expression);
      if (!isAsked && isApplied(id)) return `observed.${id}.${name} has not been seen yet`;
    }
  }
  return undefined;
}
