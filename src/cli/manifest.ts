// Objects as people and kubectl read them: a YAML stream, or one JSON List.
import { Scalar, stringify } from 'yaml';
import type { KubeObject } from '../api/index.ts';
import { isRawJson } from '../json/index.ts';

export const MANIFEST_FORMATS = ['yaml', 'json'] as const;
export type ManifestFormat = (typeof MANIFEST_FORMATS)[number];

/** The objects, in their order, ready for `kubectl apply -f -`. */
export function formatObjects(objects: readonly KubeObject[], format: ManifestFormat): string {
  if (format === 'json') {
    return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`;
  }
  return objects.map((object) => `---\n${toYaml(object)}`).join('');
}

function toYaml(object: KubeObject): string {
  return stringify(object, {
    // Quotes what YAML 1.1 readers would take for a boolean: yes, on, …
    version: '1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    customTags: (tags) => [
      // Numbers that are kept as text.
      {
        tag: 'tag:yaml.org,2002:float',
        default: true,
        identify: isRawJson,
        createNode: (_schema, value) => new Scalar(value),
        resolve: (text: string) => text,
        test: /^\b$/,
        stringify: ({ value }) => (isRawJson(value) ? value.rawJSON : String(value)),
      },
      ...tags,
    ],
  });
}
