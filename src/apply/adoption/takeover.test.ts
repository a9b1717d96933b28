import { describe, expect, it } from 'vitest';
import type { KubeObject, ManagedFieldsEntry } from '../../api/index.ts';
import { joinManagers, previewAdoption, previousManagersOf } from './preview.ts';
import { takeoverOf } from './takeover.ts';

const OURS = 'pequod/shop/web';
const OWNER = { namespace: 'shop', name: 'web', graphId: 'applyset-web-v1', manager: OURS };
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type Fields = NonNullable<ManagedFieldsEntry['fieldsV1']>;

function entry(
  manager: string,
  operation: 'Apply' | 'Update',
  fieldsV1: Fields,
  more: Partial<ManagedFieldsEntry> = {},
): ManagedFieldsEntry {
  return { manager, operation, apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsV1, ...more };
}

function live(
  managedFields: readonly ManagedFieldsEntry[],
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', uid: 'u1', managedFields, ...metadata },
  };
}

const SENT: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', labels: { team: 'a' } },
  data: { color: 'red' },
};

function ours(entries: readonly ManagedFieldsEntry[] | undefined): ManagedFieldsEntry | undefined {
  return entries?.find(({ manager }) => manager === OURS);
}

describe('taking over field managers', () => {
  it.each([
    ['kubectl-client-side-apply', 'Update'],
    ['kubectl-create', 'Update'],
    ['kubectl', 'Apply'],
    ['helm', 'Update'],
    ['helm', 'Apply'],
    ['pequod-released', 'Apply'],
  ] as const)(
    'makes all that %s (%s) holds ours, also what the node does not state',
    (manager, operation) => {
      const fields = { 'f:data': { '.': {}, 'f:color': {}, 'f:size': {} } };
      const takeover = takeoverOf(live([entry(manager, operation, fields)]), SENT, OURS);
      expect(takeover?.entries).toHaveLength(1);
      expect(ours(takeover?.entries)).toMatchObject({
        operation: 'Apply',
        apiVersion: 'v1',
        fieldsV1: fields,
      });
    },
  );

  it('joins several shares and ours into one', () => {
    const takeover = takeoverOf(
      live([
        entry(OURS, 'Apply', { 'f:data': { 'f:color': {} } }),
        entry('helm', 'Apply', { 'f:data': { 'f:size': {} } }),
        entry('kubectl-client-side-apply', 'Update', { 'f:metadata': { 'f:labels': { 'f:team': {} } } }),
      ]),
      SENT,
      OURS,
    );
    expect(takeover?.entries.map(({ fieldsV1 }) => fieldsV1)).toEqual([
      { 'f:data': { 'f:color': {}, 'f:size': {} }, 'f:metadata': { 'f:labels': { 'f:team': {} } } },
    ]);
  });

  it('takes of a change by hand only what the node states', () => {
    const fields = {
      'f:data': { 'f:color': {}, 'f:byHand': {} },
      'f:metadata': { 'f:annotations': { '.': {}, 'f:note': {} } },
    };
    const takeover = takeoverOf(live([entry('kubectl-edit', 'Update', fields)]), SENT, OURS);
    expect(ours(takeover?.entries)?.fieldsV1).toEqual({ 'f:data': { 'f:color': {} } });
    expect(takeover?.entries.find(({ manager }) => manager === 'kubectl-edit')?.fieldsV1).toEqual({
      'f:data': { 'f:byHand': {} },
      'f:metadata': { 'f:annotations': { '.': {}, 'f:note': {} } },
    });
  });

  it.each([
    ['a controller', entry('kube-controller-manager', 'Update', { 'f:data': { 'f:color': {} } })],
    [
      'an autoscaler',
      entry('kubectl', 'Update', { 'f:spec': { 'f:replicas': {} } }, { subresource: 'scale' }),
    ],
    ['another deployer', entry('argocd-controller', 'Apply', { 'f:data': { 'f:color': {} } })],
    [
      'another API version',
      entry('kubectl', 'Apply', { 'f:data': { 'f:color': {} } }, { apiVersion: 'v1beta1' }),
    ],
  ])('leaves what %s holds', (_, held) => {
    expect(takeoverOf(live([held]), SENT, OURS)).toBeUndefined();
  });

  it('never takes over a status', () => {
    const fields = { 'f:data': { 'f:color': {} }, 'f:status': { 'f:phase': {} } };
    const takeover = takeoverOf(live([entry('kubectl-client-side-apply', 'Update', fields)]), SENT, OURS);
    expect(ours(takeover?.entries)?.fieldsV1).toEqual({ 'f:data': { 'f:color': {} } });
    expect(takeover?.entries[0]?.fieldsV1).toEqual({ 'f:status': { 'f:phase': {} } });
  });

  it("takes kubectl's memory of its last apply away, and owns nothing of it", () => {
    const annotations = { [`f:${LAST_APPLIED}`]: {} };
    const fields = {
      'f:data': { 'f:color': {} },
      'f:metadata': { 'f:annotations': { '.': {}, ...annotations } },
    };
    const object = live([entry('kubectl-client-side-apply', 'Update', fields)], {
      annotations: { [LAST_APPLIED]: '{}' },
    });
    const takeover = takeoverOf(object, SENT, OURS);
    expect(ours(takeover?.entries)?.fieldsV1).toEqual({ 'f:data': { 'f:color': {} } });
    expect(takeover?.operations).toEqual([
      {
        op: 'remove',
        path: '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
      },
    ]);
  });

  it('does nothing a second time', () => {
    const first = takeoverOf(live([entry('helm', 'Apply', { 'f:data': { 'f:color': {} } })]), SENT, OURS);
    expect(takeoverOf(live(first?.entries ?? []), SENT, OURS)).toBeUndefined();
  });
});

describe('a preview', () => {
  it('says who holds what of the node, and what goes', () => {
    const fields = { 'f:data': { 'f:color': {}, 'f:size': {} } };
    const preview = previewAdoption(live([entry('helm', 'Apply', fields)]), SENT, OWNER);
    expect(preview).toEqual({
      isOurs: false,
      isTerminating: false,
      wasReleased: false,
      holders: [
        {
          name: 'helm',
          manager: 'helm (Apply)',
          share: 'whole',
          stated: ['.data.color'],
          dropped: ['.data.size'],
        },
      ],
    });
  });

  it('names the Transform that has the object', () => {
    const other = entry('pequod/shop/other', 'Apply', { 'f:data': {} });
    expect(previewAdoption(live([other]), SENT, OWNER).ownedBy).toBe('shop/other');
  });

  it('puts the fields that differ behind their manager', () => {
    const held = [
      entry('helm', 'Apply', { 'f:data': { 'f:color': {} } }),
      entry('kubectl-edit', 'Update', { 'f:data': { 'f:other': {} } }),
      entry('controller', 'Update', { 'f:status': {} }, { subresource: 'status' }),
    ];
    const preview = previewAdoption(live(held), SENT, OWNER);
    expect(previousManagersOf(preview, [{ manager: 'helm', field: '.data.color' }])).toEqual([
      'helm (Apply): .data.color',
      'kubectl-edit (Update)',
    ]);
  });

  it('does not take who holds fields for nobody for a manager, and says that a graph let the object go', () => {
    const held = ['pequod-released', 'pequod/keep'].map((manager) =>
      entry(manager, 'Apply', { 'f:data': { 'f:color': {} } }),
    );
    const preview = previewAdoption(live(held), SENT, OWNER);
    expect(preview.wasReleased).toBe(true);
    expect(previousManagersOf(preview, [{ manager: 'pequod-released', field: '.data.color' }])).toEqual([]);
  });
});

describe('managers that are known and managers that are found', () => {
  it.each<[readonly string[], readonly string[], readonly string[]]>([
    [['helm (Apply)'], [], ['helm (Apply)']],
    [[], ['helm (Apply)'], ['helm (Apply)']],
    [['helm (Apply)'], ['kubectl-edit (Update)'], ['helm (Apply)', 'kubectl-edit (Update)']],
    [['helm (Apply): .a', 'helm (Update)'], ['helm (Apply): .b'], ['helm (Update)', 'helm (Apply): .b']],
  ])('%j and %j are %j', (known, found, joined) => {
    expect(joinManagers(known, found)).toEqual(joined);
  });
});
