// How large a graph may get in etcd, which takes 1.5 MiB of an object. The status holds an entry for each object that the
// graph has or had, so that it has to be foreseen before the spec is written: an inventory that can't be stored would
// stop the graph half way.
import { type GraphNode, gvkOf, type InventoryItem, identityKey, isResolvedNode } from '../api/index.ts';

/** Most bytes of a status. */
export const MAX_STATUS_BYTES: number = 1024 * 1024;
/** Most bytes of a graph, spec and status together. */
export const MAX_GRAPH_BYTES: number = Math.floor(1.4 * 1024 * 1024);

/** Names of members, punctuation, uid, hashes and times of an inventory entry, rounded up. */
const ENTRY_BYTES = 420;
/** The same of a node's state, with room for what it may have to say; longer messages are cut where room is scarce. */
const NODE_STATUS_BYTES = 320;
/** The same of a value that a node exports, itself included. */
const EXPORT_BYTES = 320;
/** Conditions, history and the like. */
const REST_BYTES = 16 * 1024;

/** What the status may take at most, with the entries of objects that are still there and that the nodes lack. */
export function statusBytesOf(
  nodes: readonly GraphNode[],
  inventory: readonly InventoryItem[],
  namespace: string,
): number {
  let bytes = REST_BYTES;
  const planned = new Set<string>();
  for (const node of nodes) {
    const exported = Object.keys(node.exports ?? {});
    bytes += NODE_STATUS_BYTES + byteLength(node.id);
    for (const name of exported) bytes += EXPORT_BYTES + byteLength(name);
    if (!isResolvedNode(node)) continue;
    const { group, version, kind } = gvkOf(node.object);
    const { name } = node.object.metadata;
    planned.add(identityKey({ group, kind, namespace, name }));
    bytes += ENTRY_BYTES + byteLength(node.id, group, version, kind, namespace, name);
  }
  for (const item of inventory) {
    if (planned.has(identityKey(item))) continue;
    const { nodeId, group, version, kind, name } = item;
    bytes += ENTRY_BYTES + byteLength(nodeId, group, version, kind, item.namespace ?? '', name);
  }
  return bytes;
}

function byteLength(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
