import type { ResolvedPlanNode } from './plan.ts';

/**
 * Why a node reaches outside of the graph's namespace; undefined where it does not. A graph has namespaced objects of
 * its own namespace and nothing else.
 * @param isNamespaced scope of the kind; undefined where it is not known yet
 */
export function confinementProblem(
  { id, identity, declaredNamespace }: ResolvedPlanNode,
  namespace: string,
  isNamespaced: boolean | undefined,
): string | undefined {
  const { kind, name } = identity;
  if (isNamespaced === false) {
    return `node ${id}: ${kind} ${name} is cluster-scoped, a Transform may only have namespaced objects`;
  }
  if (declaredNamespace !== undefined && declaredNamespace !== namespace) {
    return `node ${id}: ${kind} ${name} is in namespace ${declaredNamespace}, only ${namespace} is allowed`;
  }
  return undefined;
}
