// Who else has a hand in an object, as one short text that changes only when that does.
import { hash } from 'node:crypto';
import { FIELD_MANAGER_PREFIX, type KubeObject } from '../../api/index.ts';
import { canonicalJson } from '../../json/index.ts';

/**
 * Hash of what others than graphs own in the object itself; undefined where nobody does. Status and scale, which
 * controllers write all the time, don't count, and neither does when something was written.
 */
export function rivalsHash(object: KubeObject): string | undefined {
  const parts: string[] = [];
  for (const { manager = '', operation = '', subresource, fieldsV1 } of object.metadata.managedFields ?? []) {
    if ((subresource ?? '') !== '' || manager.startsWith(FIELD_MANAGER_PREFIX)) continue;
    parts.push(`${operation} ${manager} ${canonicalJson(fieldsV1)}`);
  }
  if (parts.length === 0) return undefined;
  return hash('sha256', parts.sort().join('\n'), 'buffer').subarray(0, 12).toString('base64url');
}
