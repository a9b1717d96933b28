// One graph of many nodes, as a module and as plain applies: a chain, where each node depends on the one before, and a
// wide one, where none depends on any.
import { API_VERSION, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import { TENANT } from '../support/namespaces.ts';
import type { PlainObject } from '../support/workload.ts';

export const SHAPES = ['chain', 'wide'] as const;
export type Shape = (typeof SHAPES)[number];

function moduleOf(shape: Shape): string {
  const dependsOn = shape === 'chain' ? '\t\tif i > 0 {dependsOn: ["n\\(i-1)"]}\n' : '';
  return `package many

import "list"

#Input: count: int
graph: nodes: {
	for i in list.Range(0, input.count, 1) {"n\\(i)": {
${dependsOn}		object: {
			apiVersion: "v1"
			kind:       "ConfigMap"
			metadata: name: "n\\(i)"
			data: number: "\\(i)"
		}
	}}
}
`;
}

export function transformOf(shape: Shape, namespace: string, count: number): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: { name: shape, namespace },
    spec: {
      serviceAccountName: TENANT,
      cueRef: { type: 'inline', ref: moduleOf(shape) },
      input: { count },
    },
  };
}

/** What the module makes of it. */
export function objectsOf(namespace: string, count: number): readonly PlainObject[] {
  return Array.from({ length: count }, (_, at) => {
    const name = `n${at}`;
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { number: String(at) },
    };
    return { path: `/api/v1/namespaces/${namespace}/configmaps/${name}`, object };
  });
}
