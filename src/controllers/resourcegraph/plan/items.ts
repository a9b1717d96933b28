// The items of a plan that are about nodes.
import { apiVersionOf, gvkOf, type KubeObject, type PlanItem } from '../../../api/index.ts';
import { changesBetween } from '../../../planning/index.ts';
import type { NodeTarget } from '../targets.ts';

/** What an item says beside which node and object it is about. */
export type Details = Pick<PlanItem, 'changes' | 'message'> & { readonly uid?: string | undefined };

export function itemOf(
  target: NodeTarget,
  action: PlanItem['action'],
  { uid, ...details }: Details,
): PlanItem {
  const { planNode, identity } = target;
  const { namespace, name, kind } = identity;
  return {
    action,
    nodeId: planNode.id,
    apiVersion: apiVersionOf(gvkOf(planNode.object)),
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    ...details,
  };
}

/**
 * The item for an object that would be `wanted`.
 * @param as what it is called whatever changes; undefined for `Change`, or `Keep`
 */
export function changeItem(
  target: NodeTarget,
  live: KubeObject,
  wanted: KubeObject,
  as: 'Adopt' | undefined,
  notes: readonly string[],
): PlanItem {
  const { changes, isCut } = changesBetween(live, wanted);
  const all = [...notes, ...(isCut ? ['more fields change than are listed'] : [])];
  return itemOf(target, as ?? (changes.length === 0 ? 'Keep' : 'Change'), {
    uid: live.metadata.uid,
    ...(changes.length === 0 ? {} : { changes }),
    ...(all.length === 0 ? {} : { message: all.join('; ') }),
  });
}
