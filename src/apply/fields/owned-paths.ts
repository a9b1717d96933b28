// What a field manager owns, by path alone. A hash of it is kept from one apply to the next, so that it can be told which
// fields were ours and have been taken since, without keeping the paths themselves.
import { hash } from 'node:crypto';
import type { KubeObject } from '../../api/index.ts';
import { parsePointer } from '../../json/index.ts';
import { applyEntryOf, ownedPaths } from './owned-hash.ts';

const ALGORITHM = 'paths/1';

/**
 * The paths that the manager's Apply entry owns, as the API server names them; none where it has no entry.
 * @param ignored JSON pointers, not into lists, whose fields don't count
 */
export function ownedPathsOf(
  object: KubeObject,
  manager: string,
  ignored: readonly string[],
): readonly string[] {
  const fields = applyEntryOf(object, manager)?.fieldsV1;
  if (fields === undefined) return [];
  const left = ignored.map((pointer) => `.${parsePointer(pointer).join('.')}`);
  return ownedPaths(fields).filter((path) => !left.some((prefix) => isAtOrBelow(path, prefix)));
}

/** 16 bytes in base64url, whatever the order of the paths. */
export function ownedPathsHash(paths: readonly string[]): string {
  const text = [ALGORITHM, ...[...new Set(paths)].sort()].join('\n');
  return hash('sha256', text, 'buffer').subarray(0, 16).toString('base64url');
}

function isAtOrBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path.charAt(prefix.length);
  return next === '' || next === '.' || next === '[';
}
