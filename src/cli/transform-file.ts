// A Transform as a user has it: in a YAML file, alone or with the ConfigMap that holds its module.
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { decodeTransform, TRANSFORM_SPEC_SCHEMA } from '../api/crd/index.ts';
import { API_VERSION, isKubeObject, type KubeObject, TRANSFORM_KIND, type Transform } from '../api/index.ts';
import { unknownFields } from '../api/schema/index.ts';
import { messageOf } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json/index.ts';
import type { YamlDocument } from '../yaml/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { parseYaml } from './yaml-file.ts';

export interface TransformFile {
  readonly transform: Transform;
  /** ConfigMaps beside the Transform; a module may be in one of them. */
  readonly configMaps: readonly KubeObject[];
  /** `file:line:col` of a dotted path in the Transform, e.g. `spec.input.replicas`. */
  position(path: string): string;
}

/**
 * Reads the one Transform of a file; `-` is standard input.
 * @throws CliError that says where and what: no such file, no YAML, another kind, a field that does not fit
 */
export async function readTransformFile(path: string, stdin: Readable): Promise<TransformFile> {
  const fileName = path === '-' ? '<stdin>' : path;
  const documents = parseYaml(fileName, path === '-' ? await text(stdin) : await readText(path));
  const objects = documents.map((document) => toObject(document));
  const transforms = objects.filter(({ object }) => isTransform(object));
  const others = objects.filter(({ object }) => !isTransform(object));
  const wrong = others.find(({ object }) => object.kind !== 'ConfigMap' || object.apiVersion !== 'v1');
  if (wrong !== undefined) {
    const { apiVersion, kind } = wrong.object;
    throw new CliError(
      `${wrong.document.position(['kind'])}: ${apiVersion} ${kind} is not a Transform (${API_VERSION})`,
    );
  }
  const [first, second] = transforms;
  if (first === undefined) throw new CliError(`${fileName}: holds no Transform`);
  if (second !== undefined) {
    throw new CliError(`${second.document.position([])}: a second Transform: one at a time`);
  }
  return {
    transform: decodeChecked(first.object, first.document),
    configMaps: others.map(({ object }) => object),
    position: (dotted) => first.document.position(splitPath(dotted)),
  };
}

interface ObjectInFile {
  readonly object: KubeObject;
  readonly document: YamlDocument;
}

/** @throws CliError that says that there is no such file, or why it can't be read */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'is a directory' : messageOf(error);
    throw new CliError(`${path}: ${why}`, EXIT_CODES.usage, error);
  }
}

function toObject(document: YamlDocument): ObjectInFile {
  const { value } = document;
  if (isKubeObject(value)) return { object: value, document };
  const missing = isJsonObject(value)
    ? ['apiVersion', 'kind', 'metadata'].filter((field) => value[field] === undefined)
    : [];
  const what = missing.length === 0 ? '' : `: ${missing.join(', ')} missing`;
  throw new CliError(`${document.position([])}: not a Kubernetes object${what}`);
}

function isTransform(object: KubeObject): boolean {
  return object.kind === TRANSFORM_KIND && object.apiVersion === API_VERSION;
}

function decodeChecked(object: KubeObject, document: YamlDocument): Transform {
  const decoded = decodeTransform(object);
  const spec: JsonValue | undefined = object['spec'];
  const problems = [
    ...(decoded.ok ? [] : decoded.problems),
    ...unknownFields(TRANSFORM_SPEC_SCHEMA, spec, 'spec'),
  ];
  if (decoded.ok && problems.length === 0) return decoded.value;
  const lines = problems.map(
    ({ path, message }) => `${document.position(splitPath(path))}: ${path}: ${message}`,
  );
  throw new CliError(lines.join('\n'), EXIT_CODES.failure);
}

/** `spec.nodes[3]["a.b"].id` → its members. */
function splitPath(path: string): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  for (const [, quoted, index, plain] of path.matchAll(/\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]|([^.[\]]+)/g)) {
    if (quoted !== undefined) parts.push(String(JSON.parse(quoted)));
    else if (index !== undefined) parts.push(Number(index));
    else if (plain !== undefined) parts.push(plain);
  }
  return parts;
}
