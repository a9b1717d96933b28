import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../json/index.ts';
import type { KubeObject } from '../meta.ts';
import { resourceGraphDefinition, transformDefinition } from './index.ts';

interface Place {
  readonly path: string;
  readonly schema: JsonObject;
}

/** Every schema in a definition. What stands in embedded objects is theirs to limit. */
function* places(value: JsonValue | undefined, path: string): Generator<Place> {
  if (!isJsonObject(value) || path.endsWith('.object')) return;
  if (typeof value['type'] === 'string') yield { path, schema: value };
  const properties = value['properties'];
  if (isJsonObject(properties)) {
    for (const [name, member] of Object.entries(properties)) yield* places(member, `${path}.${name}`);
  }
  yield* places(value['items'], `${path}[]`);
  yield* places(value['additionalProperties'], `${path}{}`);
}

function rootOf(definition: KubeObject): JsonValue | undefined {
  const spec = definition['spec'];
  const versions = isJsonObject(spec) ? spec['versions'] : undefined;
  const version = isJsonArray(versions) ? versions[0] : undefined;
  const schema = isJsonObject(version) ? version['schema'] : undefined;
  return isJsonObject(schema) ? schema['openAPIV3Schema'] : undefined;
}

function isBounded({ schema }: Place): boolean {
  if (schema['type'] === 'string')
    return schema['enum'] !== undefined || typeof schema['maxLength'] === 'number';
  if (schema['type'] === 'array') return typeof schema['maxItems'] === 'number';
  return schema['additionalProperties'] === undefined || typeof schema['maxProperties'] === 'number';
}

describe.each([
  ['Transform', transformDefinition()],
  ['ResourceGraph', resourceGraphDefinition()],
])('the definition of %s', (_kind, definition) => {
  const all = [...places(rootOf(definition), '')].filter(({ path }) => /^\.(spec|status)/.test(path));

  it('has a maximum for every text, list and map', () => {
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter((place) => !isBounded(place)).map(({ path }) => path)).toEqual([]);
  });

  it('is what stands in crds/', async () => {
    const [plural, ...group] = definition.metadata.name.split('.');
    const file = new URL(`../../../crds/${group.join('.')}_${plural}.yaml`, import.meta.url);
    expect(parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(definition)));
  });

  it('stores whole what would swell managedFields', () => {
    const atomic = all
      .filter(({ schema }) => Object.values(schema).includes('atomic'))
      .map(({ path }) => path)
      .filter((path) => /\.(input|nodes|nodeStatus|inventory)$/.test(path));
    expect(atomic).toEqual(
      definition.metadata.name.startsWith('transforms')
        ? ['.spec.input', '.status.nodes']
        : ['.spec.nodes', '.status.nodeStatus', '.status.inventory'],
    );
  });
});
