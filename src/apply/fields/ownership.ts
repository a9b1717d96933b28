// Whose an object is, and under which names we write.
import { createHash } from 'node:crypto';
import { FIELD_MANAGER_PREFIX, GRAPH_LABEL, type KubeObject, type NamespacedName } from '../../api/index.ts';
import { applyEntryOf } from './owned-hash.ts';

/** Longest field manager that the API server takes, in bytes. */
const MAX_MANAGER_BYTES = 128;

/**
 * Field manager of a graph: `pequod/<namespace>/<name>`. Where that is too long, the name is cut and a hash of the whole
 * follows a colon, which no name can hold.
 */
export function fieldManagerOf({ namespace, name }: NamespacedName): string {
  const whole = `${FIELD_MANAGER_PREFIX}${namespace}/${name}`;
  if (Buffer.byteLength(whole) <= MAX_MANAGER_BYTES) return whole;
  const tail = `:${createHash('sha256').update(whole).digest('base64url').slice(0, 22)}`;
  return (
    Buffer.from(whole)
      .subarray(0, MAX_MANAGER_BYTES - tail.length)
      .toString('latin1') + tail
  );
}

/** True for an object with our label *and* an Apply entry of our manager: controllers copy labels, nobody copies entries. */
export function isOurs(object: KubeObject, graphId: string, manager: string): boolean {
  return object.metadata.labels?.[GRAPH_LABEL] === graphId && applyEntryOf(object, manager) !== undefined;
}
