// What is wrong with a graph, before and after it is written. A graph that can't be executed is never written: it would
// take the place of one that can.
import type { InventoryItem, ResourceGraphSpec, Violation } from '../../api/index.ts';
import { InvalidObjectError, type PequodError, TerminalError } from '../../errors.ts';
import { buildPlan, confinementProblem, isKnownClusterScoped, type Plan } from '../../graph/index.ts';
import { isAdmissionRefused, isForbidden } from '../../kube/index.ts';
import type { GraphWriteLimits } from './dependencies.ts';
import type { Failure } from './failure.ts';
import { checkSize, sizeOf } from './graph-size.ts';

/** Why the graph must not be written: it is too large, has cycles, unknown or doubled objects, or leaves its
 * namespace. */
export function whyNotWritable(
  spec: ResourceGraphSpec,
  namespace: string,
  limits: GraphWriteLimits,
  inventory: readonly InventoryItem[] = [],
): Failure | undefined {
  try {
    checkSize(sizeOf(spec, inventory, namespace), limits);
  } catch (error) {
    if (error instanceof TerminalError) return failureOf(error, [error.message]);
    throw error;
  }
  const planned = buildPlan(spec.nodes, { namespace, maxNodes: limits.maxNodes });
  if (planned.ok) return whyNotConfined(planned.plan, namespace);
  const messages = planned.problems.map(({ message }) => message);
  const details = { code: 'INVALID_GRAPH', reason: 'InvalidGraph' };
  return failureOf(new TerminalError(messages.join('; '), details), messages);
}

/** What can be told without asking for the scope of custom kinds; the graph controller asks before it writes. */
function whyNotConfined(plan: Plan, namespace: string): Failure | undefined {
  const messages = plan.nodes.flatMap((node) => {
    if (node.isPending) return [];
    const isNamespaced = isKnownClusterScoped(node.identity) ? false : undefined;
    return confinementProblem(node, namespace, isNamespaced) ?? [];
  });
  if (messages.length === 0) return undefined;
  const details = { code: 'NOT_CONFINED', reason: 'NotConfined' };
  return failureOf(new TerminalError(messages.join('; '), details), messages);
}

/**
 * Why the API server did not take the graph, or the revision of the one before, where that is about the graph: its
 * size, its schema, a quota, an admission policy.
 * Undefined for everything else.
 */
export function whyRefused(error: unknown): Failure | undefined {
  const isTooLarge = error instanceof TerminalError && error.code === 'REVISION_TOO_LARGE';
  const isRefused = error instanceof InvalidObjectError || isForbidden(error) || isAdmissionRefused(error);
  if (!isTooLarge && !isRefused) return undefined;
  return failureOf(error, [error.message]);
}

function failureOf(error: PequodError, messages: readonly string[]): Failure {
  const violations = messages.map(
    (message): Violation => ({ path: 'graph.nodes', message, severity: 'Error' }),
  );
  return { step: 'Rendered', error, violations };
}
