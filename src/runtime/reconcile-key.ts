import type { NamespacedName } from '../api/index.ts';

/** A key as queues hold it. */
export function encodeKey(key: NamespacedName): string {
  return `${key.namespace}/${key.name}`;
}

/** The key that {@link encodeKey} was given. */
export function decodeKey(encoded: string): NamespacedName {
  const slash = encoded.indexOf('/');
  return { namespace: encoded.slice(0, slash), name: encoded.slice(slash + 1) };
}
