import {
  type InventoryItem,
  type KubeObject,
  ORIGIN_ANNOTATION,
  type Origin,
  type StringMap,
} from '../api/index.ts';
import { applyEntryOf, isOurs } from './fields/index.ts';
import type { GraphOwner } from './stamp.ts';

/**
 * Who brought a live object into being, for an inventory that does not know its uid. Our first write to an object either
 * creates it or is refused, and what we find is marked in our first write to it; so an object that is ours and not marked
 * was created by us.
 */
export function originOf(live: KubeObject, owner: GraphOwner): Origin {
  if (!isOurs(live, owner.graphId, owner.manager)) return 'Found';
  return markedOrigin(live.metadata.annotations);
}

/** What our annotation on an object that is ours says. */
export function markedOrigin(annotations: StringMap | undefined): Origin {
  switch (annotations?.[ORIGIN_ANNOTATION]) {
    case 'found':
      return 'Found';
    case 'adopted':
      return 'Adopted';
    default:
      return 'Created';
  }
}

/**
 * What an entry and the object of its uid say together. An inventory can be edited by whoever may write statuses: that
 * we created or adopted an object counts only if the object bears it out, by our Apply entry and by the absence of the
 * mark of what was found. An adoption that is about to be carried out is not judged by this: see `adoption`.
 */
export function originOfKnown(entry: InventoryItem, live: KubeObject, owner: GraphOwner): Origin {
  if (entry.origin === 'Found' || applyEntryOf(live, owner.manager) === undefined) return 'Found';
  return markedOrigin(live.metadata.annotations) === 'Found' ? 'Found' : entry.origin;
}
