// What leaves and what comes back is the caller's JSON, with nothing dropped, renamed or rounded.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isKubeObject, type KubeObject } from '../../../src/api/index.ts';
import { getPointer, parseJson, stringifyJson } from '../../../src/json/index.ts';
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  type OperatorClient,
  type Resource,
} from '../../../src/kube/index.ts';
import { eventually } from '../eventually.ts';
import {
  applyCrd,
  dropCrd,
  dropNamespace,
  freshNamespace,
  MANAGER,
  operatorClient,
  soon,
  testKind,
  widget,
} from './cluster.ts';
import { clientOf, ScriptedServer } from './scripted-server.ts';

const { kubeconfigPath } = inject('controlPlane');
const NETWORK_POLICIES = namespaced('networking.k8s.io', 'NetworkPolicy', 'networkpolicies');
const LIMIT_RANGES = namespaced('', 'LimitRange', 'limitranges');
const BIG = '9223372036854775807';
let client: OperatorClient;
let namespace: string;

beforeAll(async () => {
  client = await operatorClient(kubeconfigPath);
  namespace = await freshNamespace(client, 'wire');
});

afterAll(async () => {
  await dropNamespace(client, namespace);
  await client.close();
});

function namespaced(group: string, kind: string, plural: string): Resource {
  return { group, version: 'v1', kind, plural, namespaced: true, verbs: [] };
}

function parsed(text: string): KubeObject {
  const value = parseJson(text);
  if (isKubeObject(value)) return value;
  throw new Error('not an object');
}

/** The request body when `text` is applied. */
async function sentFor(
  resource: Resource,
  text: string,
): Promise<{ body: string; headers: readonly string[] }> {
  await using server = await ScriptedServer.start((response, request) => response.end(request.body));
  const recording = clientOf(server);
  try {
    await recording.apply(resource, parsed(text), { fieldManager: 'm' }, soon());
  } finally {
    await recording.close();
  }
  const [request] = server.seen;
  return { body: request?.body ?? '', headers: request?.rawHeaders ?? [] };
}

const POLICY = `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p","namespace":"n"},"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"web"}}}],"ports":[{"port":80,"protocol":"TCP"}]}]}}`;
const LIMITS = `{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"l","namespace":"n"},"spec":{"limits":[{"type":"Container","default":{"cpu":"1"},"defaultRequest":{"cpu":"500m"}}]}}`;
const NUMBERS = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"n"},"data":{"a":${BIG},"b":1e400,"c":1.0,"d":-0,"__proto__":0.1}}`;

describe('an apply', () => {
  it.each([
    ['NetworkPolicy', NETWORK_POLICIES, POLICY],
    ['LimitRange', LIMIT_RANGES, LIMITS],
    ['ConfigMap with odd numbers', CONFIG_MAPS, NUMBERS],
  ])('sends a %s byte for byte', async (_what, resource, text) => {
    const { body } = await sentFor(resource, text);
    expect(body).toBe(text);
  });

  it('sends each header as a line of its own', async () => {
    const { headers } = await sentFor(LIMIT_RANGES, LIMITS);
    const names = headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(headers).toContain('application/apply-patch+yaml');
  });
});

describe('the real API server gives back', () => {
  it.each([
    ['a NetworkPolicy', NETWORK_POLICIES, POLICY, '/spec/ingress/0/from'],
    ['a LimitRange', LIMIT_RANGES, LIMITS, '/spec/limits/0/default'],
  ])('%s whole', async (_what, resource, text, pointer) => {
    const object = parsed(text);
    const own = { ...object, metadata: { ...object.metadata, namespace } };
    await client.apply(resource, own, { fieldManager: MANAGER }, soon());
    const live = await client.get(resource, { namespace, name: object.metadata.name }, soon());
    expect(getPointer(live, pointer)).toEqual(getPointer(object, pointer));
  });

  it('a CRD with its extensions, and 64-bit integers of its objects', async () => {
    const kind = testKind();
    await applyCrd(client, kind);
    try {
      const crd = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: kind.crd.metadata.name }, soon());
      const status = '/spec/versions/0/schema/openAPIV3Schema/properties/status';
      expect(getPointer(crd, `${status}/x-kubernetes-preserve-unknown-fields`)).toBe(true);
      const big = widget(kind, namespace, 'big', parseJson(BIG));
      const options = { fieldManager: MANAGER };
      await eventually(() => client.apply(kind.resource, big, options, soon()));
      const live = await client.get(kind.resource, { namespace, name: 'big' }, soon());
      expect(stringifyJson(live['spec'] ?? null)).toBe(`{"size":${BIG}}`);
    } finally {
      await dropCrd(client, kind);
    }
  });
});
