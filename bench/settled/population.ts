// Many Transforms, created as many clients do: so many at a time, spread over a few namespaces.
import type { NamespacedName } from '../../src/api/index.ts';
import { API_VERSION, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import { type OperatorClient, TRANSFORMS } from '../../src/kube/index.ts';
import { TENANT } from '../support/namespaces.ts';
import { transformOf } from '../support/workload.ts';

/** Objects of one Transform: five kinds as in the other benchmarks, or two that cost the API server little. */
export type PopulationShape = 'five' | 'two';

export const OBJECTS_OF: Readonly<Record<PopulationShape, number>> = { five: 5, two: 2 };

const TWO = `package app

#Input: settings: [string]: string
input: #Input
context: {name: string, ...}

_metadata: {name: context.name, labels: "app.kubernetes.io/name": context.name}

graph: nodes: {
	config: object: {
		apiVersion: "v1"
		kind:       "ConfigMap"
		metadata:   _metadata
		data:       input.settings
	}
	account: object: {
		apiVersion: "v1"
		kind:       "ServiceAccount"
		metadata:   _metadata
	}
}
`;

/** Creates them; resolves when all have been taken. */
export async function populate(
  admin: OperatorClient,
  shape: PopulationShape,
  names: readonly NamespacedName[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    names.map(({ namespace, name }) =>
      admin.create(TRANSFORMS, populationTransform(shape, namespace, name), {}, signal),
    ),
  );
}

export function populationTransform(shape: PopulationShape, namespace: string, name: string): KubeObject {
  if (shape === 'five') return transformOf('inline', namespace, name);
  const settings = { GREETING: `hello from ${name}`, LOG_LEVEL: 'info' };
  const spec = {
    serviceAccountName: TENANT,
    cueRef: { type: 'inline', ref: TWO },
    input: { settings },
  };
  return { apiVersion: API_VERSION, kind: TRANSFORM_KIND, metadata: { name, namespace }, spec };
}

export function namesIn(namespace: string, prefix: string, count: number): readonly NamespacedName[] {
  return Array.from({ length: count }, (_, at) => ({ namespace, name: `${prefix}-${at + 1}` }));
}
