// The whole input of a Transform: the values that `inputFrom` names, one laid over the other in order, and `spec.input`
// over all of them. Values are read with limits; each mistake names the entry, the ConfigMap and the place in it.
import type { KubeObject, TransformSpec } from '../api/index.ts';
import { PequodError, type Retry } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import { parseYaml, YamlError } from '../yaml/index.ts';
import { layOver } from './input-merge.ts';

/** Largest text of one value: what one whole input may have. */
const MAX_VALUE_BYTES = 256 * 1024;

type InputErrorCode = 'INPUT_SOURCE_INVALID' | 'INPUT_SOURCE_MISSING';

const HANDLING: Readonly<Record<InputErrorCode, { readonly reason: string; readonly retry: Retry }>> = {
  INPUT_SOURCE_INVALID: { reason: 'InputInvalid', retry: 'backoff' },
  INPUT_SOURCE_MISSING: { reason: 'InputMissing', retry: 'backoff' },
};

/** A value of `inputFrom` that can't be used. */
export class InputSourceError extends PequodError {
  constructor(code: InputErrorCode, message: string, cause?: unknown) {
    super(message, { code, ...HANDLING[code], cause });
  }
}

/**
 * The input as the module gets it.
 * @param configMaps by name; what is not in it does not exist
 * @throws InputSourceError
 */
export function wholeInput(
  spec: Pick<TransformSpec, 'input' | 'inputFrom'>,
  configMaps: ReadonlyMap<string, KubeObject>,
): JsonObject {
  const values = (spec.inputFrom ?? []).map(({ name, key, targetPath, optional }, at): JsonObject => {
    const configMap = configMaps.get(name);
    const text = textAt(configMap, key);
    const place = `inputFrom[${at}]`;
    if (text !== undefined) return placed(parse(text, `${name}/${key}`, place), targetPath, place);
    if (optional === true) return {};
    const what =
      configMap === undefined ? `there is no ConfigMap ${name}` : `ConfigMap ${name} has no key ${key}`;
    throw new InputSourceError('INPUT_SOURCE_MISSING', `${place}: ${what}`);
  });
  return layOver([...values, spec.input ?? {}]);
}

function textAt(configMap: KubeObject | undefined, key: string): string | undefined {
  const data = configMap?.['data'];
  const text = isJsonObject(data) && Object.hasOwn(data, key) ? data[key] : undefined;
  return typeof text === 'string' ? text : undefined;
}

function parse(text: string, file: string, place: string): JsonValue {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_VALUE_BYTES) {
    const message = `${place}: ${file} has ${bytes} bytes, at most ${MAX_VALUE_BYTES} are taken`;
    throw new InputSourceError('INPUT_SOURCE_INVALID', message);
  }
  try {
    const [first, second] = parseYaml(file, text);
    if (second === undefined) return first?.value ?? {};
    throw new InputSourceError('INPUT_SOURCE_INVALID', `${place}: ${second.position([])}: a second document`);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new InputSourceError('INPUT_SOURCE_INVALID', `${place}: ${error.message}`, error);
  }
}

function placed(value: JsonValue, targetPath: string | undefined, place: string): JsonObject {
  const path = targetPath?.split('.') ?? [];
  const whole = path.reduceRight<JsonValue>((inner, name) => Object.fromEntries([[name, inner]]), value);
  if (isJsonObject(whole)) return whole;
  const message = `${place}: the value is no object, and no targetPath says where it goes`;
  throw new InputSourceError('INPUT_SOURCE_INVALID', message);
}
