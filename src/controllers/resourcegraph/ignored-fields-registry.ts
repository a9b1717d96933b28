// Which fields of which objects are left to others, as the graphs say it now. The watches of children need it to hash
// only what is ours, and see objects before any pass of their graph has run.
import { GRAPH_LABEL, type KubeObject, type NamespacedName, NODE_ANNOTATION } from '../../api/index.ts';
import { applySetId } from '../../graph/index.ts';
import { isJsonArray, isJsonObject } from '../../json/index.ts';

const NONE: readonly string[] = [];

export class IgnoredFieldsRegistry {
  /** By graph id, then by node id; graphs without such fields are not in it. */
  readonly #pointers = new Map<string, ReadonlyMap<string, readonly string[]>>();

  /** Takes in a graph as it is now; undefined where it is gone. */
  update(key: NamespacedName, graph: KubeObject | undefined): void {
    const graphId = applySetId(key);
    const pointers = graph === undefined ? new Map<string, readonly string[]>() : pointersOf(graph);
    if (pointers.size === 0) this.#pointers.delete(graphId);
    else this.#pointers.set(graphId, pointers);
  }

  /** JSON pointers that the graph of this child ignores. */
  pointersOf(child: KubeObject): readonly string[] {
    const nodes = this.#pointers.get(child.metadata.labels?.[GRAPH_LABEL] ?? '');
    return nodes?.get(child.metadata.annotations?.[NODE_ANNOTATION] ?? '') ?? NONE;
  }
}

function pointersOf(graph: KubeObject): ReadonlyMap<string, readonly string[]> {
  const pointers = new Map<string, readonly string[]>();
  const spec = graph['spec'];
  const nodes = isJsonObject(spec) ? spec['nodes'] : undefined;
  for (const node of isJsonArray(nodes) ? nodes : []) {
    if (!isJsonObject(node)) continue;
    const { id, ignoreFields } = node;
    if (typeof id !== 'string' || !isJsonArray(ignoreFields)) continue;
    pointers.set(
      id,
      ignoreFields.filter((pointer) => typeof pointer === 'string'),
    );
  }
  return pointers;
}
