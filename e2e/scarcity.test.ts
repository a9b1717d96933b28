// A namespace that lacks what a graph needs: room, rights, or a future. What can be done is done, what can't is named and
// tried ever more slowly, and what is given back counts without a restart.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import type { AuditLog, AuditMark } from '../test/control-plane/index.ts';
import {
  allowEdit,
  cluster,
  conditionOf,
  configMap,
  describeCall,
  inline,
  type Space,
  story,
  until,
  useOperator,
  writesSince,
} from './support/index.ts';

useOperator();

const HOLD = 'example.com/hold';

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

async function create(space: Space, kind: string, name: string, spec: JsonObject): Promise<void> {
  await space.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind, metadata: { name }, spec }),
  );
}

/** Waits until the node has failed so often for this reason. @returns what is said of it */
async function untilRefused(space: Space, node: string, reason: string, attempts: number): Promise<string> {
  const status = await until(
    `${attempts} attempts of ${node} that end with ${reason}`,
    async () => (await space.findGraphStatus('shop')).nodeStatus?.[node],
    (found) => found?.reason === reason && (found.attempts ?? 0) >= attempts,
  );
  return status?.message ?? '';
}

async function attemptsAt(space: Space, mark: AuditMark, write: string): Promise<number> {
  const writes = await writesSince(audit, mark, space.namespace);
  return writes.filter((one) => describeCall(one) === write).length;
}

describe.concurrent('a namespace', () => {
  story(
    'whose quota is used up: the others come up, and the last one when the quota is raised',
    async ({ space }) => {
      // Each namespace has a ConfigMap of its own.
      await space.untilFound('ConfigMap', 'kube-root-ca.crt');
      await create(space, 'ResourceQuota', 'few', { hard: { 'count/configmaps': '3' } });
      await until(
        'the quota counts',
        () => space.kubectl(['get', 'resourcequota', 'few', '-o', 'jsonpath={.status.used}']),
        (used) => used.includes('"1"'),
      );
      const mark = await audit.mark();
      const names = ['a', 'b'];
      const last = configMap('last', {}, { dependsOn: names });
      await space.transform('shop', inline({ a: configMap('a'), b: configMap('b'), last }));
      const said = await untilRefused(space, 'last', 'QuotaExceeded', 3);
      expect(said).toContain('exceeded quota: few');
      expect(await space.names('ConfigMap')).toEqual(names);
      const { status } = await space.readTransform('shop');
      expect(status?.blockedBy).toMatch(/^last: ConfigMap .*exceeded quota: few/);
      expect(await attemptsAt(space, mark, 'patch configmaps/last')).toBeLessThanOrEqual(6);

      const raised = JSON.stringify({ spec: { hard: { 'count/configmaps': '9' } } });
      await space.kubectl(['patch', 'resourcequota', 'few', '--type=merge', '-p', raised]);
      await space.untilReady('shop');
    },
  );

  story('whose limit range has no place for an object, until it is gone', async ({ space }) => {
    const limits = [{ type: 'PersistentVolumeClaim', min: { storage: '2Gi' } }];
    await create(space, 'LimitRange', 'large', { limits });
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const claim = {
      readyWhen: [{ type: 'Exists' }],
      object: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'claim' }, spec },
    };
    await space.transform('shop', inline({ claim, apart: configMap('apart') }));
    const said = await untilRefused(space, 'claim', 'AdmissionDenied', 2);
    expect(said).toContain('minimum storage usage');
    expect(await space.names('ConfigMap')).toEqual(['apart']);
    await space.kubectl(['delete', 'limitrange', 'large']);
    await space.untilReady('shop');
  });

  story(
    'whose rights are taken away half way: what is missing is named, and it goes on when they are back',
    async ({ space }) => {
      const first = {
        ...configMap('first'),
        readyWhen: [{ type: 'CEL', expression: 'has(object.data) && object.data.go == "yes"' }],
      };
      const after = configMap('after', {}, { dependsOn: ['first'] });
      await space.transform('shop', inline({ first, after }));
      await space.untilFound('ConfigMap', 'first');
      await space.delete('RoleBinding', 'deployer-edit');
      const as = `--as=system:serviceaccount:${space.namespace}:deployer`;
      const mayCreate = (): Promise<boolean> =>
        // kubectl exits with 1 when it says no.
        space.kubectl(['auth', 'can-i', 'create', 'configmaps', as]).then(
          () => true,
          () => false,
        );
      await until('the rights are gone', mayCreate, (may) => !may);
      const mark = await audit.mark();
      await space.patch('ConfigMap', 'first', { data: { go: 'yes' } });
      const refused = await space.untilTransform(
        'shop',
        'says what it may not do',
        (transform) => conditionOf(transform, 'Ready')?.reason === 'Forbidden',
      );
      expect(conditionOf(refused, 'Ready')?.message).toContain('configmaps');
      expect(await attemptsAt(space, mark, 'patch configmaps/after')).toBeLessThanOrEqual(1);
      expect(await space.names('ConfigMap')).toEqual(['first']);
      await allowEdit(space);
      await space.untilReady('shop');
    },
  );

  story(
    'that is on its way out and held there: the Transform goes, and nothing more is written',
    async ({ space }) => {
      const waiting = configMap('waiting', {}, { dependsOn: ['never'] });
      const never = { ...configMap('never'), readyWhen: [{ type: 'CEL', expression: 'false' }] };
      await space.transform('shop', inline({ held: configMap('held'), never, waiting }));
      await space.untilFound('ConfigMap', 'held');
      await space.patch('ConfigMap', 'held', { metadata: { finalizers: [HOLD] } });
      await cluster.kubectl(['delete', 'namespace', space.namespace, '--wait=false']);
      await space.untilGone('Transform', 'shop');
      await space.untilGone('ResourceGraph', 'shop');
      const held = await space.untilFound(
        'ConfigMap',
        'held',
        ({ metadata }) => metadata.deletionTimestamp !== undefined,
      );
      expect(held.metadata.finalizers).toEqual([HOLD]);
      const mark = await audit.mark();
      await until(
        'nothing but what is held is left',
        () => space.names('ConfigMap'),
        (names) => names.length === 1,
      );
      expect(await writesSince(audit, mark, space.namespace)).toEqual([]);
      await space.patch('ConfigMap', 'held', { metadata: { finalizers: null } });
      await until(
        'the namespace is gone',
        () => cluster.kubectl(['get', 'namespace', space.namespace, '--ignore-not-found', '-o', 'name']),
        (found) => found.trim() === '',
      );
      await cluster.kubectl(['create', 'namespace', space.namespace]);
    },
  );
});

describe.concurrent('finalizers that nobody removes', () => {
  story(
    'hold the end of a Transform by name; nothing goes early, and nothing is left behind',
    async ({ space }) => {
      const nodes = {
        base: configMap('base'),
        top: configMap('top', {}, { dependsOn: ['base'] }),
        old: configMap('old', {}, { dependsOn: ['base'] }),
      };
      await space.transform('shop', inline(nodes));
      await space.untilReady('shop');
      const hold = (name: string): Promise<unknown> =>
        space.patch('ConfigMap', name, { metadata: { finalizers: [HOLD] } });
      const untilLeaving = (name: string): Promise<unknown> =>
        space.untilFound('ConfigMap', name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
      // One is pruned, one was deleted by somebody and is to be made again, when the Transform goes, too.
      await hold('old');
      const { old: _dropped, ...kept } = nodes;
      await space.transform('shop', inline(kept));
      await untilLeaving('old');
      await hold('top');
      await space.delete('ConfigMap', 'top');
      await untilLeaving('top');
      await space.delete('Transform', 'shop');
      const held = new Set(['top', 'old']);
      const namedIn = (text: string = ''): string | undefined =>
        [...held].find((name) => text.includes(`${space.namespace}/${name} is being deleted`));
      while (held.size > 0) {
        const { blockedBy = '' } = await until(
          `the status names one of ${[...held].join(', ')}`,
          () => space.graphStatus('shop'),
          (status) => namedIn(status.blockedBy) !== undefined,
        );
        const name = namedIn(blockedBy) ?? '';
        expect(blockedBy).toContain(HOLD);
        expect((await space.get('ConfigMap', 'base')).metadata.deletionTimestamp).toBeUndefined();
        expect((await space.get('Transform', 'shop')).metadata.finalizers).not.toEqual([]);
        await space.patch('ConfigMap', name, { metadata: { finalizers: null } });
        await space.untilGone('ConfigMap', name);
        held.delete(name);
      }
      await space.untilGone('Transform', 'shop');
      await space.untilGone('ResourceGraph', 'shop');
      expect(await space.names('ConfigMap')).toEqual([]);
    },
  );
});
