export { canonicalJson, hashJson, shortHashJson } from './canonical.ts';
export { parseJson, parseJsonIfAny, stringifyJson } from './codec.ts';
export { escapePointerSegment, getPointer, parsePointer, removePointer, setPointer } from './pointer.ts';
export {
  isJsonArray,
  isJsonObject,
  isRawJson,
  type JsonObject,
  type JsonValue,
  type RawJson,
  rawJson,
} from './value.ts';
