// A hash of what a field manager owns in a live object: the paths and their values. Computed for each watch event, so it
// walks `fieldsV1` and the object together once and hashes one text.
//
// Invariants: it depends on nothing but algorithm, paths and values: not on the order of members, on what others own, or
// on ignored paths. A struct that we own only as such (`emptyDir: {}`) counts as existing, whatever others put into it.
import { hash } from 'node:crypto';
import type { KubeObject, ManagedFieldsEntry } from '../../api/index.ts';
import {
  canonicalJson,
  isJsonArray,
  isJsonObject,
  isRawJson,
  type JsonObject,
  type JsonValue,
  parsePointer,
} from '../../json/index.ts';
import { below, follow, formatElement, isLeaf } from './field-path.ts';

/** Changes with the text that is hashed, so that hashes of another algorithm never look equal. */
const ALGORITHM = 'owned/1';

/** Guards that a body of ours may carry: they say nothing about what the object should be. */
const GUARDS: ReadonlySet<string> = new Set([
  'f:uid',
  'f:resourceVersion',
  'f:generation',
  'f:creationTimestamp',
]);

type Segments = readonly string[];
const NONE: readonly Segments[] = [];

/** A manager's Apply entry for the object itself; undefined where it has none. */
export function applyEntryOf(object: KubeObject, manager: string): ManagedFieldsEntry | undefined {
  return object.metadata.managedFields?.find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === '',
  );
}

/**
 * Hash of the fields that the manager's Apply entry owns, as 16 bytes in base64url; undefined where it has no entry.
 * @param ignored JSON pointers into the live object whose fields don't count.
 */
export function ownedHash(
  object: KubeObject,
  manager: string,
  ignored: readonly string[] = [],
): string | undefined {
  const entry = applyEntryOf(object, manager);
  if (entry === undefined) return undefined;
  const writer = new OwnedText(object);
  if (entry.fieldsV1 !== undefined) writer.walk(entry.fieldsV1, object, '', ignored.map(parsePointer), []);
  return hash('sha256', writer.text(), 'buffer').subarray(0, 16).toString('base64url');
}

class OwnedText {
  readonly #object: KubeObject;
  readonly #parts: string[] = [ALGORITHM];

  constructor(object: KubeObject) {
    this.#object = object;
  }

  text(): string {
    return this.#parts.join('\n');
  }

  walk(
    fields: JsonObject,
    value: JsonValue | undefined,
    path: string,
    ignored: readonly Segments[],
    elements: string[],
  ): void {
    for (const element of sortedKeys(fields)) {
      if (element === '.') {
        this.#parts.push(`${path} ${value === undefined ? 'absent' : 'exists'}`);
        continue;
      }
      const child = below(fields, element);
      if (child === undefined || (path === '\tf:metadata' && GUARDS.has(element))) continue;
      const step = follow(value, element);
      const rest = ignored.length === 0 ? NONE : tails(ignored, step.key);
      if (rest.some((tail) => tail.length === 0)) continue;
      const childPath = `${path}\t${element}`;
      elements.push(element);
      if (!isLeaf(child)) this.walk(child, step.value, childPath, rest, elements);
      else this.#parts.push(`${childPath} ${this.#leafText(step.value, rest, elements)}`);
      elements.pop();
    }
  }

  #leafText(value: JsonValue | undefined, ignored: readonly Segments[], elements: readonly string[]): string {
    if (value === undefined) return 'absent';
    if (value === null || typeof value !== 'object' || isRawJson(value)) return canonicalJson(value);
    const isEmpty = isJsonArray(value) ? value.length === 0 : Object.keys(value).length === 0;
    if (isEmpty || this.#isShared(elements)) return 'exists';
    return canonicalJson(ignored.length === 0 ? value : without(value, ignored));
  }

  /** True where any manager owns something below the path: then it is not one value, and we own only the struct. */
  #isShared(elements: readonly string[]): boolean {
    for (const { fieldsV1 } of this.#object.metadata.managedFields ?? []) {
      let fields: JsonObject | undefined = fieldsV1;
      for (const element of elements) fields = fields === undefined ? undefined : below(fields, element);
      if (fields !== undefined && !isLeaf(fields)) return true;
    }
    return false;
  }
}

function tails(pointers: readonly Segments[], key: string): readonly Segments[] {
  const found: Segments[] = [];
  for (const [head, ...tail] of pointers) if (head === key) found.push(tail);
  return found;
}

function without(value: JsonValue, ignored: readonly Segments[]): JsonValue {
  if (isJsonArray(value)) {
    return value.flatMap((item, at) => keepMember(item, tails(ignored, String(at))));
  }
  if (!isJsonObject(value)) return value;
  const kept: { [key: string]: JsonValue } = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    for (const left of keepMember(member, tails(ignored, key))) kept[key] = left;
  }
  return kept;
}

function keepMember(member: JsonValue, ignored: readonly Segments[]): readonly JsonValue[] {
  if (ignored.some((tail) => tail.length === 0)) return [];
  return [ignored.length === 0 ? member : without(member, ignored)];
}

// The API server writes members sorted, if not always by our order; sorting again is needed only where it does not.
function sortedKeys(fields: JsonObject): readonly string[] {
  const keys = Object.keys(fields);
  for (let at = 1; at < keys.length; at++) if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return keys.sort();
  return keys;
}

/** The leaf paths of a `fieldsV1` as the API server writes them in messages: `.spec.containers[name="web"].image`. */
export function ownedPaths(fields: JsonObject): readonly string[] {
  const paths: string[] = [];
  const walk = (at: JsonObject, path: string): void => {
    for (const element of sortedKeys(at)) {
      const child = element === '.' ? undefined : below(at, element);
      if (child === undefined) continue;
      const childPath = path + formatElement(element);
      if (isLeaf(child)) paths.push(childPath);
      else walk(child, childPath);
    }
  };
  walk(fields, '');
  return paths;
}
