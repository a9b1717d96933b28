// YAML as kubectl reads it: version 1.1 without its times and base-60 numbers, so that `yes`, `on` and 0755 mean the
// same here and in the cluster. Integers that a double can't hold are kept as they are written.
import { type Document, isNode, LineCounter, parseAllDocuments, type Tags } from 'yaml';
import { messageOf, PequodError } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json/index.ts';

/** Text that is no YAML, or has no form in JSON; the message names `file:line:col` of each mistake, one a line. */
export class YamlError extends PequodError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'YAML_INVALID', reason: 'YamlInvalid', retry: 'never', cause });
  }
}

/** One document of a file, with a way back from values to lines. */
export interface YamlDocument {
  readonly value: JsonValue;
  /** `file:line:col` of the value at the path, or of the closest value around it that is there. */
  position(path: readonly (string | number)[]): string;
}

/**
 * The documents of a file that are not empty.
 * @throws YamlError with `file:line:col` of every mistake
 */
export function parseYaml(fileName: string, text: string): readonly YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    intAsBigInt: true,
    customTags: kubectlTags,
    lineCounter: lines,
    prettyErrors: false,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length > 0) {
    throw new YamlError(errors.map((error) => `${at(error.pos[0])}: ${error.message}`).join('\n'));
  }
  return documents.flatMap((document) => {
    const position = (path: readonly (string | number)[]): string => at(offsetOf(document, path));
    const value = toJson(resolveAliases(document, position), [], position);
    return value === null ? [] : [{ value, position }];
  });
}

function resolveAliases(document: Document, position: YamlDocument['position']): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new YamlError(`${position([])}: ${messageOf(error)}`, error);
  }
}

const NOT_IN_KUBECTL = ['tag:yaml.org,2002:timestamp', 'tag:yaml.org,2002:binary'];

function kubectlTags(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || (!NOT_IN_KUBECTL.includes(tag.tag) && tag.format !== 'TIME'),
  );
}

function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function toJson(
  value: unknown,
  path: readonly (string | number)[],
  position: YamlDocument['position'],
): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : JSON.rawJSON(value.toString());
  }
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, [...path, index], position));
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, toJson(member, [...path, key], position)]),
    );
  }
  throw new YamlError(`${position(path)}: ${String(value)} has no form in JSON`);
}
