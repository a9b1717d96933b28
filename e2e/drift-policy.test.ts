// What is said about drift, what is done about it under each policy, and what is no drift at all.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Condition, DriftRecord, ResourceGraphStatus } from '../src/api/index.ts';
import { isJsonObject, type JsonObject } from '../src/json/index.ts';
import type { AuditLog, AuditMark } from '../test/control-plane/index.ts';
import {
  allowEdit,
  applyDocExample,
  cluster,
  conditionOf,
  configMap,
  describeCall,
  inline,
  member,
  type Space,
  story,
  until,
  useOperator,
  writesSince,
} from './support/index.ts';

const running = useOperator();

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** Writes to ConfigMap `a`, or to another object. */
async function writesTo(space: Space, mark: AuditMark, name: string = 'configmaps/a'): Promise<number> {
  const writes = await writesSince(audit, mark, space.namespace);
  return writes.map(describeCall).filter((call) => call.endsWith(` ${name}`)).length;
}

/** Lets everything that the last change may have caused come to an end: another Transform comes up after it. */
async function settle(space: Space): Promise<void> {
  await space.transform('later', inline({ later: configMap('later') }));
  await space.untilReady('later');
}

function driftOf({ conditions }: ResourceGraphStatus): Condition | undefined {
  return conditions?.find(({ type }) => type === 'DriftDetected');
}

async function untilDrift(
  space: Space,
  status: Condition['status'],
  isRight: (message: string) => boolean = () => true,
): Promise<Condition> {
  const found = await until(
    `DriftDetected is ${status}`,
    async () => driftOf(await space.graphStatus('shop')),
    (condition) => condition?.status === status && isRight(condition.message),
  );
  if (found === undefined) throw new Error('no condition');
  return found;
}

async function untilRepaired(space: Space, isRight: (record: DriftRecord) => boolean): Promise<DriftRecord> {
  const { lastDrift } = await until(
    'the repair is in the status',
    () => space.graphStatus('shop'),
    (status) => status.lastDrift !== undefined && isRight(status.lastDrift),
  );
  if (lastDrift === undefined) throw new Error('no record');
  return lastDrift;
}

async function bringUp(space: Space, data: JsonObject = { k: 'ours' }, more: JsonObject = {}): Promise<void> {
  await space.transform('shop', inline({ settings: configMap('a', data) }, more));
  await space.untilReady('shop');
}

const AS_KUBECTL_EDIT = { fieldManager: 'kubectl-edit' } as const;

describe.concurrent('what is said about drift', () => {
  story('the last repair names object, fields and who changed them; the log does too', async ({ space }) => {
    await bringUp(space);
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, AS_KUBECTL_EDIT);
    const record = await untilRepaired(space, () => true);
    expect(record).toMatchObject({
      nodeId: 'settings',
      object: `ConfigMap ${space.namespace}/a`,
      fields: ['.data.k'],
      manager: 'kubectl-edit',
    });
    const status = await space.graphStatus('shop');
    expect(driftOf(status)?.status ?? 'False').toBe('False');
    const line = running.operator.log
      .split('\n')
      .find((text) => text.includes(space.namespace) && text.includes('object repaired'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ fields: '.data.k', manager: 'kubectl-edit' });
  });

  story('many repairs are written as one: the status is not written for each', async ({ space }) => {
    await bringUp(space);
    await space.patch('ConfigMap', 'a', { data: { k: 'once' } }, AS_KUBECTL_EDIT);
    const first = await untilRepaired(space, () => true);
    const mark = await audit.mark();
    for (const k of ['second', 'third']) {
      await space.patch('ConfigMap', 'a', { data: { k } }, AS_KUBECTL_EDIT);
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    }
    await settle(space);
    expect(await writesTo(space, mark)).toBe(2);
    expect(await writesTo(space, mark, 'resourcegraphs/shop/status')).toBe(0);
    expect((await space.graphStatus('shop')).lastDrift).toEqual(first);
  });

  story('a field that was removed is named; a deleted object has none', async ({ space }) => {
    await bringUp(space, { k: 'ours', l: 'too' });
    await space.patch('ConfigMap', 'a', { data: { k: null } }, AS_KUBECTL_EDIT);
    expect(await untilRepaired(space, () => true)).toMatchObject({ fields: ['.data.k'] });
    await space.delete('ConfigMap', 'a');
    const record = await untilRepaired(space, ({ fields }) => fields === undefined);
    expect(record).not.toHaveProperty('manager');
  });

  story(
    'who keeps changing a field is named while its repair waits, and the last change is taken back',
    async ({ space }) => {
      await bringUp(space);
      const fight = new AbortController();
      const fighting = (async () => {
        while (!fight.signal.aborted) {
          const { data } = await space.get('ConfigMap', 'a');
          if (isJsonObject(data) && data['k'] === 'ours')
            await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, { fieldManager: 'rival' });
        }
      })();
      const condition = await untilDrift(space, 'True');
      expect(condition).toMatchObject({
        reason: 'RepairDelayed',
        message: `settings: ConfigMap ${space.namespace}/a: .data.k was changed by rival`,
      });
      const told = await space.untilTransform('shop', 'tells of the fight', (transform) =>
        Boolean(conditionOf(transform, 'Ready')?.message.includes('.data.k was changed by rival')),
      );
      expect(conditionOf(told, 'Ready')?.status).toBe('True');
      fight.abort();
      await fighting;
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
      await untilDrift(space, 'False');
      await space.untilTransform(
        'shop',
        'says no more of it',
        (transform) => conditionOf(transform, 'Ready')?.message === '1 of 1 nodes are ready',
      );
    },
  );

  story('what was changed and may not be put back for want of rights is said', async ({ space }) => {
    await bringUp(space);
    await space.delete('RoleBinding', 'deployer-edit');
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, AS_KUBECTL_EDIT);
    const condition = await untilDrift(space, 'True');
    expect(condition).toMatchObject({ reason: 'Forbidden' });
    expect(condition.message).toContain(`settings: ConfigMap ${space.namespace}/a`);
    await allowEdit(space);
    await space.kubectl(['annotate', 'transform', 'shop', 'pequod.io/reconcile=granted']);
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
    await untilDrift(space, 'False');
  });

  story(
    'a field that another manager applied stays theirs, and so does what was edited beside it',
    async ({ space }) => {
      await bringUp(space, { k: 'ours', l: 'ours' });
      const mark = await audit.mark();
      const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'theirs' } };
      const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=gitops', '-f', '-'];
      await space.kubectl(flags, JSON.stringify(theirs));
      await untilDrift(space, 'True', (message) => message.includes('gitops'));
      await space.patch('ConfigMap', 'a', { data: { l: 'edited' } }, AS_KUBECTL_EDIT);
      const condition = await untilDrift(space, 'True', (message) => message.includes('kubectl-edit'));
      expect(condition).toMatchObject({ reason: 'FieldConflict' });
      expect(condition.message).toMatch(/gitops.*\.data\.k/);
      expect(condition.message).toContain('.data.l');
      await settle(space);
      expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: 'theirs', l: 'edited' } });
      expect(await writesTo(space, mark)).toBeLessThanOrEqual(3);

      await space.kubectl(
        flags,
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
      );
      await space.untilFound(
        'ConfigMap',
        'a',
        (found) => member(found, 'data', 'k') === 'ours' && member(found, 'data', 'l') === 'ours',
      );
      await untilDrift(space, 'False');
    },
  );
});

describe.concurrent('the policies for drift', () => {
  story(
    'detect reports what was changed and writes nothing; correct then repairs at once',
    async ({ space }) => {
      await applyDocExample(space, 'drift.md', 'report only');
      await space.untilReady('shop');
      const mark = await audit.mark();
      await space.patch('ConfigMap', 'settings', { data: { mode: 'debug' } }, AS_KUBECTL_EDIT);
      const condition = await untilDrift(space, 'True');
      expect(condition).toMatchObject({
        reason: 'Detected',
        message: `settings: ConfigMap ${space.namespace}/settings: .data.mode was changed by kubectl-edit`,
      });
      await space.untilTransform('shop', 'tells of the change', (transform) =>
        Boolean(conditionOf(transform, 'Ready')?.message.includes('.data.mode was changed by kubectl-edit')),
      );
      await space.patch('ConfigMap', 'settings', { metadata: { annotations: { note: 'theirs' } } });
      await settle(space);
      expect(await space.get('ConfigMap', 'settings')).toMatchObject({ data: { mode: 'debug' } });
      // The dry run that finds out what was changed, once.
      expect(await writesTo(space, mark, 'configmaps/settings')).toBe(1);

      await space.patch('Transform', 'shop', { spec: { drift: 'correct' } });
      await space.untilFound(
        'ConfigMap',
        'settings',
        (found) => member(found, 'data', 'mode') === 'production',
      );
      await untilDrift(space, 'False');
    },
  );

  story('detect does not make a deleted object again: it is reported, and not ready', async ({ space }) => {
    await bringUp(space, { k: 'ours' }, { drift: 'detect' });
    await space.delete('ConfigMap', 'a');
    const condition = await untilDrift(space, 'True');
    expect(condition.message).toBe(`settings: ConfigMap ${space.namespace}/a was deleted`);
    await space.untilTransform('shop', 'is not ready', (transform) =>
      Boolean(transform.status?.blockedBy?.startsWith(`settings: ConfigMap ${space.namespace}/a does not`)),
    );
    await settle(space);
    expect(await space.names('ConfigMap')).toEqual(['later']);
    await space.patch('Transform', 'shop', { spec: { drift: 'correct' } });
    await space.untilFound('ConfigMap', 'a');
    await space.untilReady('shop');
  });

  story('under detect an object that lost our label is seen all the same', async ({ space }) => {
    await bringUp(space, { k: 'ours' }, { drift: 'detect' });
    await space.kubectl(['label', 'configmap', 'a', 'pequod.io/graph-']);
    const condition = await untilDrift(space, 'True');
    expect(condition.message).toContain('.metadata.labels.pequod.io/graph was removed');
    await settle(space);
    await space.untilReady('shop');
    await space.kubectl(['delete', 'transform', 'shop', '--wait=false']);
  });

  story(
    'under detect an object on its way out is reported as such, without a call for it',
    async ({ space }) => {
      await bringUp(space, { k: 'ours' }, { drift: 'detect' });
      await space.patch('ConfigMap', 'a', { metadata: { finalizers: ['example.com/hold'] } });
      const mark = await audit.mark();
      await space.delete('ConfigMap', 'a');
      const condition = await untilDrift(space, 'True');
      expect(condition.message).toBe(`settings: ConfigMap ${space.namespace}/a is being deleted`);
      await settle(space);
      expect(await writesTo(space, mark)).toBe(0);
      await space.patch('ConfigMap', 'a', { metadata: { finalizers: null } });
      await untilDrift(space, 'True', (message) => message.endsWith('was deleted'));
    },
  );

  story('detect still applies what the module changes', async ({ space }) => {
    await bringUp(space, { k: 'ours', l: 'ours' }, { drift: 'detect' });
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, AS_KUBECTL_EDIT);
    await untilDrift(space, 'True');
    await bringUp(space, { k: 'ours', l: 'changed' }, { drift: 'detect' });
    expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: 'ours', l: 'changed' } });
    await untilDrift(space, 'False');
  });

  story('ignore neither repairs nor reports', async ({ space }) => {
    await bringUp(space, { k: 'ours' }, { drift: 'ignore' });
    const mark = await audit.mark();
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, AS_KUBECTL_EDIT);
    await settle(space);
    expect(await writesTo(space, mark)).toBe(0);
    expect(driftOf(await space.graphStatus('shop'))).toBeUndefined();
    await space.patch('Transform', 'shop', { spec: { drift: 'correct' } });
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'ours');
  });
});

describe.concurrent('what is no drift', () => {
  story('a hash that is another now is taken over by one apply that changes nothing', async ({ space }) => {
    await bringUp(space);
    const { resourceVersion } = (await space.get('ConfigMap', 'a')).metadata;
    const { inventory } = await space.graphStatus('shop');
    const owned = inventory?.items[0]?.owned ?? '';
    const mark = await audit.mark();
    const items = [...(inventory?.items ?? [])].map((item) => ({ ...item, owned: 'AAAAAAAAAAAAAAAAAAAAAA' }));
    await space.patch(
      'ResourceGraph',
      'shop',
      { status: { inventory: { graphUID: inventory?.graphUID ?? '', items } } },
      { subresource: 'status' },
    );
    await until(
      'the hash of what is there is taken over',
      () => space.graphStatus('shop'),
      (status) => status.inventory?.items[0]?.owned === owned,
    );
    await settle(space);
    expect(await writesTo(space, mark)).toBe(1);
    expect((await space.get('ConfigMap', 'a')).metadata.resourceVersion).toBe(resourceVersion);
    const status = await space.graphStatus('shop');
    expect([status.lastDrift, driftOf(status)]).toEqual([undefined, undefined]);
  });

  story('what others own, and who else owns the same values, costs no write', async ({ space }) => {
    await bringUp(space);
    const mark = await audit.mark();
    const same = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'ours' } };
    await space.kubectl(['apply', '--server-side', '--field-manager=twin', '-f', '-'], JSON.stringify(same));
    for (let turn = 0; turn < 50; turn += 1)
      await space.patch('ConfigMap', 'a', { metadata: { annotations: { turn: String(turn) } } });
    await settle(space);
    expect(await writesTo(space, mark)).toBe(0);
    expect(await writesTo(space, mark, 'resourcegraphs/shop/status')).toBe(0);
  });

  story('our label taken away a hundred times is put back a few times, and in the end', async ({ space }) => {
    await bringUp(space);
    const mark = await audit.mark();
    for (let turn = 0; turn < 100; turn += 1)
      await space.patch('ConfigMap', 'a', { metadata: { labels: { 'pequod.io/graph': null } } });
    await space.untilFound(
      'ConfigMap',
      'a',
      ({ metadata }) => metadata.labels?.['pequod.io/graph'] !== undefined,
    );
    await settle(space);
    expect(await writesTo(space, mark)).toBeLessThanOrEqual(10);
    await space.untilReady('shop');
  });

  story('an object of mode Create is its users’ from then on', async ({ space }) => {
    const settings = configMap('a', { k: 'ours' }, { applyPolicy: { mode: 'Create' } });
    await space.transform('shop', inline({ settings }));
    await space.untilReady('shop');
    const mark = await audit.mark();
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs' } }, AS_KUBECTL_EDIT);
    await settle(space);
    expect(await writesTo(space, mark)).toBe(0);
    const status = await space.graphStatus('shop');
    expect([status.lastDrift, driftOf(status)]).toEqual([undefined, undefined]);
  });

  story('an object that is only read is nobody’s to repair', async ({ space }) => {
    await space.create('ConfigMap', 'a', { data: { k: 'theirs' } });
    const resources = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a' }];
    const adopt = { mode: 'Explicit', strategy: 'Mirror', resources };
    await bringUp(space, { k: 'ours' }, { adopt });
    const mark = await audit.mark();
    await space.patch('ConfigMap', 'a', { data: { k: 'theirs too' } });
    await settle(space);
    expect(await writesTo(space, mark)).toBe(0);
    expect(driftOf(await space.graphStatus('shop'))).toBeUndefined();
  });

  story('a field that admission changes in each of our applies is not fought over', async ({ space }) => {
    await changeAtAdmission(space);
    await space.transform('shop', inline({ settings: configMap('a', { k: 'ours', l: 'ours' }) }));
    await space.untilReady('shop');
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'admitted');
    const mark = await audit.mark();
    await settle(space);
    expect(await writesTo(space, mark)).toBe(0);
    await space.patch('ConfigMap', 'a', { data: { l: 'theirs' } }, AS_KUBECTL_EDIT);
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'l') === 'ours');
    await settle(space);
    expect(await writesTo(space, mark)).toBe(1);
    expect(await untilRepaired(space, () => true)).toMatchObject({ fields: ['.data.l'] });
    expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: 'admitted' } });
  });
});

/** In this namespace, `data.k: ours` becomes `admitted` in every ConfigMap `a`. */
async function changeAtAdmission(space: Space): Promise<void> {
  const name = `admitted-${space.namespace}`;
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': space.namespace } },
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['configmaps'],
          },
        ],
      },
      matchConditions: [
        { name: 'ours', expression: 'has(object.data) && "k" in object.data && object.data.k == "ours"' },
      ],
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: '[JSONPatch{op: "replace", path: "/data/k", value: "admitted"}]' },
        },
      ],
    },
  };
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name },
  };
  await space.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [policy, binding] }),
  );
  await until(
    'the policy is in force',
    async () => {
      const sample = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'sample' },
        data: { k: 'ours' },
      };
      return await space.kubectl(
        ['create', '--dry-run=server', '-o', 'json', '-f', '-'],
        JSON.stringify(sample),
      );
    },
    (answer) => answer.includes('admitted'),
  );
}
