// What tests against the real API server share: clients, a namespace of their own, kinds that come and go.
import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../../../src/api/index.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import {
  type CallRecord,
  CUSTOM_RESOURCE_DEFINITIONS,
  kubeconfigConfig,
  NAMESPACES,
  OperatorClient,
  type Resource,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';

export const MANAGER = 'pequod/test/kube' as const;

/** A deadline for one step of a test. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

export async function operatorClient(
  kubeconfigPath: string,
  onCall?: (call: CallRecord) => void,
): Promise<OperatorClient> {
  return new OperatorClient({
    config: await kubeconfigConfig({ path: kubeconfigPath }),
    version: 'test',
    log: silentLogger(),
    now: Date.now,
    ...(onCall === undefined ? {} : { onCall }),
  });
}

export function configMap(
  namespace: string,
  name: string,
  data: JsonObject,
  labels?: Record<string, string>,
): KubeObject {
  const metadata = labels === undefined ? { name, namespace } : { name, namespace, labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

/** Makes a namespace for one test file and returns its name. */
export async function freshNamespace(client: OperatorClient, prefix: string): Promise<string> {
  const name = `${prefix}-${randomUUID().slice(0, 8)}`;
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {}, soon());
  return name;
}

export async function dropNamespace(client: OperatorClient, name: string): Promise<void> {
  await client.delete(NAMESPACES, { name }, { propagationPolicy: 'Background' }, soon());
}

/** A namespaced kind of its own group, with a free-form spec that takes 64-bit integers. */
export interface TestKind {
  readonly resource: Resource;
  readonly crd: KubeObject;
}

export function testKind(): TestKind {
  const group = `t${randomUUID().slice(0, 8)}.example.org`;
  const plural = 'widgets';
  const properties = {
    spec: { type: 'object', required: ['size'], properties: { size: { type: 'integer', format: 'int64' } } },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  return {
    resource: { group, version: 'v1', kind: 'Widget', plural, namespaced: true, verbs: ['list', 'watch'] },
    crd: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Widget', listKind: 'WidgetList', plural, singular: 'widget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: { type: 'object', properties } },
          },
        ],
      },
    },
  };
}

export function widget(
  kind: TestKind,
  namespace: string,
  name: string,
  size: JsonObject[string],
): KubeObject {
  const { group, version } = kind.resource;
  return {
    apiVersion: `${group}/${version}`,
    kind: 'Widget',
    metadata: { name, namespace },
    spec: { size },
  };
}

export async function applyCrd(client: OperatorClient, kind: TestKind): Promise<void> {
  await client.apply(CUSTOM_RESOURCE_DEFINITIONS, kind.crd, { fieldManager: MANAGER }, soon());
}

export async function dropCrd(client: OperatorClient, kind: TestKind): Promise<void> {
  const { name } = kind.crd.metadata;
  await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name }, { propagationPolicy: 'Background' }, soon());
}
