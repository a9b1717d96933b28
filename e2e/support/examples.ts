// The examples that people start from, as they are in the repository.
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { isKubeObject, type KubeObject } from '../../src/api/index.ts';
import { isJsonObject, type JsonObject } from '../../src/json/index.ts';

/** The objects of `examples/<file>`. */
export async function example(file: string): Promise<readonly KubeObject[]> {
  const text = await readFile(`examples/${file}`, 'utf8');
  return parseAllDocuments(text).map((document): KubeObject => {
    const value: unknown = document.toJS();
    if (!isKubeObject(value)) throw new Error(`examples/${file} holds something that is no object`);
    return value;
  });
}

/** The spec of the Transform in `examples/<file>`. */
export async function exampleSpec(file: string): Promise<JsonObject> {
  const transform = (await example(file)).find(({ kind }) => kind === 'Transform');
  const spec = transform?.['spec'];
  if (!isJsonObject(spec)) throw new Error(`examples/${file} has no Transform`);
  return spec;
}
