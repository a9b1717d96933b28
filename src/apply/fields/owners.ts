// Who owns which of the fields that we sent. The paths of a sent body can be told only in the terms of `managedFields`,
// whose entries know which lists are keyed and which values are taken as a whole; so the entries of others are walked
// along the body. That something merely exists (`.`) is no field: everyone who sets a label also owns the map of labels.
import type { KubeObject, ManagedFieldsEntry } from '../../api/index.ts';
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parsePointer,
} from '../../json/index.ts';
import { below, follow, formatElement, isLeaf } from './field-path.ts';
import { applyEntryOf } from './owned-hash.ts';

/** One manager's share in an object. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource?: string;
  /** RFC 3339, whole seconds: the last effective write. */
  readonly time?: string;
  /** The fields in question, as the API server names them: `.spec.replicas`. */
  readonly paths: readonly string[];
}

export interface OwnerOptions {
  /** Our field manager: its own entries, of whatever operation, are not reported. */
  readonly manager: string;
  /** JSON pointers that don't count. */
  readonly ignoreFields?: readonly string[];
}

/**
 * Who took fields from us: entries of others that own fields of `sent` which our Apply entry does not own (any more).
 * Forcing is right only where all of them are Update managers.
 */
export function coOwners(object: KubeObject, sent: JsonObject, options: OwnerOptions): readonly FieldOwner[] {
  const ours = applyEntryOf(object, options.manager)?.fieldsV1;
  return findOwners(object, sent, options, (elements) => ours === undefined || !owns(ours, elements));
}

/** All entries, ours included, that own the field at a JSON pointer into the live object, or something below it. */
export function ownersOfPointer(object: KubeObject, pointer: string): readonly FieldOwner[] {
  const segments = parsePointer(pointer);
  return collect(object, (fields) => {
    let at: readonly Place[] = [{ fields, value: object, path: '' }];
    for (const segment of segments) at = at.flatMap((place) => placesBelow(place, segment));
    return at.map(({ path }) => path);
  });
}

interface Place {
  /** What is owned here; undefined below a value that is owned whole. */
  readonly fields: JsonObject | undefined;
  readonly value: JsonValue | undefined;
  readonly path: string;
}

function placesBelow(place: Place, segment: string): readonly Place[] {
  if (place.fields === undefined || isLeaf(place.fields)) {
    return place.path === '' ? [] : [{ ...place, fields: undefined }];
  }
  const found: Place[] = [];
  for (const element in place.fields) {
    const fields = element === '.' ? undefined : below(place.fields, element);
    if (fields === undefined) continue;
    const { value, key } = follow(place.value, element);
    if (key === segment) found.push({ fields, value, path: place.path + formatElement(element) });
  }
  return found;
}

function findOwners(
  object: KubeObject,
  sent: JsonObject,
  options: OwnerOptions,
  isCounted: (elements: readonly string[]) => boolean,
): readonly FieldOwner[] {
  const ignored = new Set(options.ignoreFields ?? []);
  const others = (entry: ManagedFieldsEntry): boolean => entry.manager !== options.manager;
  return collect(
    object,
    (fields) => {
      const paths: string[] = [];
      const elements: string[] = [];
      const walk = (at: JsonObject, value: JsonValue, path: string, pointer: string): void => {
        for (const element in at) {
          const child = element === '.' ? undefined : below(at, element);
          if (child === undefined) continue;
          const step = follow(value, element);
          const childPointer = `${pointer}/${step.key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
          if (step.value === undefined || ignored.has(childPointer)) continue;
          elements.push(element);
          const childPath = path + formatElement(element);
          if (!isLeaf(child)) walk(child, step.value, childPath, childPointer);
          else if (!isStructOnly(step.value) && isCounted(elements)) paths.push(childPath);
          elements.pop();
        }
      };
      walk(fields, sent, '', '');
      return paths;
    },
    others,
  );
}

/** An empty struct has no value that could differ. */
function isStructOnly(value: JsonValue): boolean {
  if (isJsonArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}

function collect(
  object: KubeObject,
  pathsOf: (fields: JsonObject) => readonly string[],
  isCounted: (entry: ManagedFieldsEntry) => boolean = () => true,
): readonly FieldOwner[] {
  const owners: FieldOwner[] = [];
  for (const entry of object.metadata.managedFields ?? []) {
    if (entry.fieldsV1 === undefined || !isCounted(entry)) continue;
    const paths = pathsOf(entry.fieldsV1);
    if (paths.length === 0) continue;
    owners.push({
      manager: entry.manager ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      ...(entry.subresource === undefined || entry.subresource === ''
        ? {}
        : { subresource: entry.subresource }),
      ...(entry.time === undefined ? {} : { time: entry.time }),
      paths,
    });
  }
  return owners;
}

function owns(fields: JsonObject, elements: readonly string[]): boolean {
  let at: JsonObject | undefined = fields;
  for (const element of elements) at = at === undefined ? undefined : below(at, element);
  return at !== undefined;
}
