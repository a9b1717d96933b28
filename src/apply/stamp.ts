// What Pequod adds to an object of a graph: two labels to find it by, annotations to rebuild an inventory from.
// Pure: the stamped object and its hash depend on nothing but the node, the graph and the entry's origin.
import {
  APPLYSET_PART_OF_LABEL,
  DELETION_ANNOTATION,
  type DeletionPolicy,
  GRAPH_LABEL,
  type KubeObject,
  NODE_ANNOTATION,
  ORIGIN_ANNOTATION,
  type Origin,
  type ResolvedNode,
} from '../api/index.ts';
import { removePointer, shortHashJson } from '../json/index.ts';

/** The names under which one graph owns objects. */
export interface GraphOwner {
  readonly namespace: string;
  readonly name: string;
  /** Value of the label that children carry. */
  readonly graphId: string;
  /** Field manager of the graph's applies. */
  readonly manager: string;
}

export interface StampOptions {
  readonly owner: GraphOwner;
  /** Namespace that the object goes to; undefined for cluster-scoped kinds. */
  readonly namespace: string | undefined;
  readonly origin: Origin;
  readonly deletion: DeletionPolicy;
}

/** The node's object as it is sent, ignored fields included. */
export function stampObject(node: ResolvedNode, options: StampOptions): KubeObject {
  const { namespace: _declared, labels, annotations, ...metadata } = node.object.metadata;
  return {
    ...node.object,
    metadata: {
      ...metadata,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
      labels: {
        ...labels,
        [GRAPH_LABEL]: options.owner.graphId,
        [APPLYSET_PART_OF_LABEL]: options.owner.graphId,
      },
      annotations: {
        ...annotations,
        [NODE_ANNOTATION]: node.id,
        ...(options.origin === 'Created' ? {} : { [ORIGIN_ANNOTATION]: options.origin.toLowerCase() }),
        ...(options.deletion === 'Orphan' ? { [DELETION_ANNOTATION]: 'Orphan' } : {}),
      },
    },
  };
}

/**
 * Hash of what a node sends. Ignored fields count only by their names: a module that changes the value of a field
 * which someone else owns changes nothing.
 */
export function sentHash(stamped: KubeObject, ignoreFields: readonly string[]): string {
  const object = ignoreFields.reduce<KubeObject>((value, pointer) => removePointer(value, pointer), stamped);
  return shortHashJson({ object, ignoreFields });
}

/** The labels and annotations that {@link stampObject} adds, which a release takes away again. */
export const STAMPED_LABELS: readonly string[] = [GRAPH_LABEL, APPLYSET_PART_OF_LABEL];
export const STAMPED_ANNOTATIONS: readonly string[] = [
  NODE_ANNOTATION,
  ORIGIN_ANNOTATION,
  DELETION_ANNOTATION,
];
