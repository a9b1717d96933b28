import { describe, expect, it } from 'vitest';
import type { KubeObject, ManagedFieldsEntry } from '../../api/index.ts';
import { type JsonObject, type JsonValue, parseJson, setPointer } from '../../json/index.ts';
import { liveDeployment, MANAGER, OUR_FIELDS, SENT_DEPLOYMENT } from './deployment.fixture.ts';
import { coOwners, fieldManagerOf, isOurs, ownedHash, ownedPaths, ownersOfPointer } from './index.ts';

const GRAPH = 'applyset-x-v1';

function withEntry(object: KubeObject, entry: ManagedFieldsEntry): KubeObject {
  const managedFields = [...(object.metadata.managedFields ?? []), entry];
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function withOurFields(object: KubeObject, fieldsV1: JsonObject): KubeObject {
  const managedFields = (object.metadata.managedFields ?? []).map((entry) =>
    entry.manager === MANAGER ? { ...entry, fieldsV1 } : entry,
  );
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

const hashOf = (object: KubeObject, ignored?: readonly string[]): string | undefined =>
  ownedHash(object, MANAGER, ignored);
const set = (pointer: string, value: JsonValue): KubeObject => setPointer(liveDeployment(), pointer, value);
const CONTAINER = '/spec/template/spec/containers/0';

describe('ownedHash', () => {
  const settled = hashOf(liveDeployment());

  it('is 16 bytes as base64url, and the same for the same object', () => {
    expect(settled).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(hashOf(liveDeployment())).toBe(settled);
  });

  it.each<[string, KubeObject]>([
    ['a scalar', set('/spec/replicas', 5)],
    ['a field in a list element', set(`${CONTAINER}/image`, 'nginx:1.28')],
    ['a value that is owned whole', set('/spec/selector/matchLabels/extra', 'x')],
    ['a label of ours', set('/metadata/labels/pequod.io~1graph', 'other')],
    ['a list element that is gone', set(`${CONTAINER}/env`, [])],
    ['a field that is gone', set('/spec/template/spec/volumes', [{ name: 'tmp' }])],
    ['a scalar of another type', set('/spec/replicas', '3')],
  ])('differs after a change of %s', (_, changed) => {
    expect(hashOf(changed)).not.toBe(settled);
  });

  it.each<[string, KubeObject]>([
    ['status', set('/status/readyReplicas', 1)],
    ['a default', set('/spec/revisionHistoryLimit', 3)],
    ['a label of others', set('/metadata/labels/team', 'blue')],
    ['a field of others in our container', set(`${CONTAINER}/imagePullPolicy`, 'Always')],
    [
      'a container that was injected before ours',
      set('/spec/template/spec/containers', [
        { name: 'sidecar', image: 'envoy' },
        ...containers(liveDeployment()),
      ]),
    ],
    ['the resource version', set('/metadata/resourceVersion', '99999')],
  ])('does not differ after a change of %s', (_, changed) => {
    expect(hashOf(changed)).toBe(settled);
  });

  it('differs when we own less: someone took a field', () => {
    const { 'f:replicas': _replicas, ...spec } = fieldsBelow(OUR_FIELDS, 'f:spec');
    expect(hashOf(withOurFields(liveDeployment(), { ...OUR_FIELDS, 'f:spec': spec }))).not.toBe(settled);
  });

  it('does not depend on the order of members', () => {
    const reversed = Object.fromEntries(Object.entries(OUR_FIELDS).reverse());
    expect(hashOf(withOurFields(liveDeployment(), reversed))).toBe(settled);
  });

  it('leaves ignored paths out, whoever owns them and whatever they are', () => {
    const ignored = ['/spec/replicas', `${CONTAINER}/image`, '/spec/selector/matchLabels/extra'];
    const before = hashOf(liveDeployment(), ignored);
    expect(before).not.toBe(settled);
    expect(hashOf(set('/spec/replicas', 7), ignored)).toBe(before);
    expect(hashOf(set(`${CONTAINER}/image`, 'x'), ignored)).toBe(before);
    expect(hashOf(set('/spec/selector/matchLabels/extra', 'x'), ignored)).toBe(before);
    expect(hashOf(set('/spec/selector/matchLabels/app', 'x'), ignored)).not.toBe(before);
    const { 'f:replicas': _replicas, ...spec } = fieldsBelow(OUR_FIELDS, 'f:spec');
    expect(hashOf(withOurFields(liveDeployment(), { ...OUR_FIELDS, 'f:spec': spec }), ignored)).toBe(before);
  });

  it('takes an empty struct of ours for existing, also after others put something into it', () => {
    const filled = withEntry(set('/spec/template/spec/volumes/0/emptyDir', { medium: 'Memory' }), {
      manager: 'webhook',
      operation: 'Update',
      fieldsV1: {
        'f:spec': {
          'f:template': {
            'f:spec': { 'f:volumes': { 'k:{"name":"tmp"}': { 'f:emptyDir': { 'f:medium': {} } } } },
          },
        },
      },
    });
    expect(hashOf(filled)).toBe(settled);
  });

  it('sees a change in a number that a double can not hold', () => {
    const big = (text: string): KubeObject => set('/spec/replicas', parseJson(text));
    expect(hashOf(big('9223372036854775807'))).not.toBe(hashOf(big('9223372036854775806')));
  });

  it('follows set elements and list elements with several keys', () => {
    const object = (finalizers: readonly string[], port: number): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        finalizers,
        managedFields: [
          {
            manager: MANAGER,
            operation: 'Apply',
            fieldsV1: {
              'f:metadata': { 'f:finalizers': { 'v:"example.org/a"': {} } },
              'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:targetPort': {} } } },
            },
          },
        ],
      },
      spec: {
        ports: [
          { port: 80, protocol: 'UDP', targetPort: 1 },
          { port: 80, protocol: 'TCP', targetPort: port },
        ],
      },
    });
    const before = hashOf(object(['example.org/a'], 8080));
    expect(hashOf(object(['example.org/b', 'example.org/a'], 8080))).toBe(before);
    expect(hashOf(object(['example.org/b'], 8080))).not.toBe(before);
    expect(hashOf(object(['example.org/a'], 9090))).not.toBe(before);
  });

  it('is undefined where the manager has no Apply entry for the object itself', () => {
    expect(ownedHash(liveDeployment(), 'pequod/shop/other')).toBeUndefined();
    expect(ownedHash(liveDeployment(), 'kube-controller-manager')).toBeUndefined();
  });
});

function fieldsBelow(fields: JsonObject, element: string): JsonObject {
  const child = fields[element];
  if (typeof child !== 'object' || child === null || Array.isArray(child)) throw new Error(`no ${element}`);
  return Object.fromEntries(Object.entries(child));
}

function containers(object: KubeObject): readonly JsonValue[] {
  const found: unknown = JSON.parse(JSON.stringify(object))['spec']['template']['spec']['containers'];
  return Array.isArray(found) ? found : [];
}

it('ownedPaths writes paths as the API server does', () => {
  expect(ownedPaths(fieldsBelow(OUR_FIELDS, 'f:metadata'))).toEqual([
    '.annotations.pequod.io/node',
    '.labels.app',
    '.labels.pequod.io/graph',
  ]);
  expect(ownedPaths(OUR_FIELDS)).toContain(
    '.spec.template.spec.containers[name="web"].ports[containerPort=8080,protocol="TCP"].name',
  );
});

describe('owners of what we sent', () => {
  const { 'f:replicas': _replicas, ...withoutReplicas } = fieldsBelow(OUR_FIELDS, 'f:spec');
  const scaled = withEntry(
    withOurFields(set('/spec/replicas', 5), { ...OUR_FIELDS, 'f:spec': withoutReplicas }),
    {
      manager: 'kubectl',
      operation: 'Update',
      time: '2026-03-01T11:00:00Z',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    },
  );
  const shared = withEntry(liveDeployment(), {
    manager: 'helm',
    operation: 'Apply',
    time: '2026-03-01T10:00:00Z',
    fieldsV1: {
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {}, 'f:team': {} } },
      'f:spec': {
        'f:template': {
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:ports': { 'k:{"containerPort":8080,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
              },
              'k:{"name":"sidecar"}': { '.': {}, 'f:image': {} },
            },
          },
        },
      },
    },
  });

  it('are nobody else while all is as we left it', () => {
    expect(coOwners(liveDeployment(), SENT_DEPLOYMENT, { manager: MANAGER })).toEqual([]);
  });

  it('are named with the fields that they took from us', () => {
    expect(coOwners(scaled, SENT_DEPLOYMENT, { manager: MANAGER })).toEqual([
      {
        manager: 'kubectl',
        operation: 'Update',
        subresource: 'scale',
        time: '2026-03-01T11:00:00Z',
        paths: ['.spec.replicas'],
      },
    ]);
  });

  it('do not count for fields that are ignored', () => {
    expect(coOwners(scaled, SENT_DEPLOYMENT, { manager: MANAGER, ignoreFields: ['/spec/replicas'] })).toEqual(
      [],
    );
  });

  it('have taken nothing where they only share', () => {
    expect(coOwners(shared, SENT_DEPLOYMENT, { manager: MANAGER })).toEqual([]);
  });

  it('have all fields where we own none', () => {
    const bare = withOurFields(shared, {});
    expect(coOwners(bare, SENT_DEPLOYMENT, { manager: MANAGER })).toMatchObject([{ manager: 'helm' }]);
  });

  it('of a pointer are all entries at it or below, ours too', () => {
    const names = (pointer: string): readonly string[] =>
      ownersOfPointer(scaled, pointer).map(({ manager }) => manager);
    expect(names('/spec/replicas')).toEqual(['kubectl']);
    expect(names('/spec')).toEqual([MANAGER, 'kubectl']);
    expect(names('/spec/selector/matchLabels/app')).toEqual([MANAGER]);
    expect(names('/metadata/annotations/deployment.kubernetes.io~1revision')).toEqual([
      'kube-controller-manager',
    ]);
    expect(names(`${CONTAINER}/image`)).toEqual([MANAGER]);
    expect(names('/spec/paused')).toEqual([]);
  });
});

describe('whose an object is', () => {
  it('takes our label and an Apply entry of our manager', () => {
    expect(isOurs(liveDeployment(), GRAPH, MANAGER)).toBe(true);
    expect(isOurs(liveDeployment(), 'applyset-other-v1', MANAGER)).toBe(false);
    expect(isOurs(liveDeployment(), GRAPH, 'pequod/shop/other')).toBe(false);
    const updated = liveDeployment().metadata.managedFields?.map((entry) => ({
      ...entry,
      operation: 'Update' as const,
    }));
    const copied = {
      ...liveDeployment(),
      metadata: { ...liveDeployment().metadata, managedFields: updated ?? [] },
    };
    expect(isOurs(copied, GRAPH, MANAGER)).toBe(false);
  });
});

describe('names that we write under', () => {
  it('has a field manager for each graph', () => {
    expect(fieldManagerOf({ namespace: 'shop', name: 'web' })).toBe('pequod/shop/web');
  });

  it('cuts a long one to 128 bytes without two graphs sharing it', () => {
    const one = fieldManagerOf({ namespace: 'n'.repeat(63), name: `${'a'.repeat(200)}x` });
    const other = fieldManagerOf({ namespace: 'n'.repeat(63), name: `${'a'.repeat(200)}y` });
    expect(Buffer.byteLength(one)).toBe(128);
    expect(one).not.toBe(other);
    expect(one.startsWith(`pequod/${'n'.repeat(63)}/aaa`)).toBe(true);
  });
});
