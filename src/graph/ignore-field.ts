import { APPLYSET_PART_OF_LABEL } from '../api/index.ts';
import { parsePointer } from '../json/index.ts';

/** Metadata that may be left to someone else: single labels and annotations that are not ours. */
const OPEN_METADATA: ReadonlySet<string> = new Set(['labels', 'annotations']);

/** Why a pointer can't be in a node's `ignoreFields`; undefined where it can. */
export function whyNotIgnorable(pointer: string): string | undefined {
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return 'is not a JSON pointer';
  const [head, member, key] = parsePointer(pointer);
  if (head === '') return 'names no field';
  if (head === 'apiVersion' || head === 'kind') return 'is part of the identity of the object';
  if (head !== 'metadata') return undefined;
  if (member === undefined || !OPEN_METADATA.has(member) || key === undefined) {
    return 'touches metadata other than a single label or annotation';
  }
  const isOurs = key === APPLYSET_PART_OF_LABEL || /^pequod\.io\//.test(key);
  return isOurs ? 'is set by the operator itself' : undefined;
}
