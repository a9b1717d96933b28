import { isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';

/** One object out of several: members of later ones win; objects are merged, lists and all else are replaced. */
export function layOver(layers: readonly JsonObject[]): JsonObject {
  return layers.reduce<JsonObject>((under, over) => merge(under, over), {});
}

function merge(under: JsonObject, over: JsonObject): JsonObject {
  const members = new Map<string, JsonValue | undefined>(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    const below = members.get(name);
    members.set(name, isJsonObject(below) && isJsonObject(value) ? merge(below, value) : value);
  }
  // Entries and not assignments: a key such as __proto__ is a member like any other.
  return Object.fromEntries(members);
}
