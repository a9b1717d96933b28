import { describe, expect } from 'vitest';
import {
  allowEdit,
  conditionOf,
  configMap,
  deploymentObject,
  inline,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

async function takeRights(space: Space): Promise<void> {
  await space.delete('RoleBinding', 'deployer-edit');
  const as = `--as=system:serviceaccount:${space.namespace}:deployer`;
  // kubectl exits with 1 when it says no.
  const canEdit = async (): Promise<boolean> =>
    await space.kubectl(['auth', 'can-i', 'create', 'configmaps', as]).then(
      () => true,
      () => false,
    );
  await until('the rights are gone', canEdit, (can) => !can);
}

describe.concurrent('rights', () => {
  story(
    'a ServiceAccount without rights: all that is missing in one message, and nothing is written',
    async ({ space }) => {
      await takeRights(space);
      await space.transform('shop', inline({ a: configMap('a'), web: { object: deploymentObject('web') } }));
      const refused = await space.untilFailing('shop', 'Forbidden');
      const message = conditionOf(refused, 'Ready')?.message ?? '';
      expect(message).toContain(`service account ${space.namespace}/deployer may not`);
      for (const part of ['create', 'delete', 'get', 'patch', 'configmaps', 'deployments.apps']) {
        expect(message).toContain(part);
      }
      expect(await space.names('ConfigMap')).toEqual([]);

      await allowEdit(space);
      await space.untilReady('shop');
      expect(await space.names('ConfigMap')).toEqual(['a']);
    },
  );

  story('a ServiceAccount that does not exist is waited for', async ({ space }) => {
    const spec = { ...inline({ a: configMap('a') }), serviceAccountName: 'latecomer' };
    await space.transform('shop', spec);
    const waiting = await space.untilFailing('shop', 'ServiceAccountMissing');
    expect(conditionOf(waiting, 'Ready')?.message).toContain(`${space.namespace}/latecomer does not exist`);

    await space.create('ServiceAccount', 'latecomer', {});
    await space.kubectl([
      'create',
      'rolebinding',
      'latecomer',
      '--clusterrole=edit',
      `--serviceaccount=${space.namespace}:latecomer`,
    ]);
    await space.untilReady('shop');
  });

  story('another ServiceAccount takes over at once, and what runs is not touched', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a') }));
    await space.untilReady('shop');
    const before = await space.get('ConfigMap', 'a');
    const name = 'successor';
    await space.create('ServiceAccount', name, {});
    await space.kubectl([
      'create',
      'rolebinding',
      name,
      '--clusterrole=edit',
      `--serviceaccount=${space.namespace}:${name}`,
    ]);
    await space.transform('shop', { ...inline({ a: configMap('a') }), serviceAccountName: name });
    await space.untilFound('ResourceGraph', 'shop', (graph) => JSON.stringify(graph['spec']).includes(name));
    await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'a')).toEqual(before);
    // One that does not exist is told, though there is nothing to do for it now.
    await space.transform('shop', { ...inline({ a: configMap('a') }), serviceAccountName: 'ghost' });
    await space.untilFailing('shop', 'ServiceAccountMissing');
    expect(await space.get('ConfigMap', 'a')).toEqual(before);
    await space.transform('shop', { ...inline({ a: configMap('a') }), serviceAccountName: name });
    await space.untilReady('shop');
    await takeRights(space);
    await space.delete('Transform', 'shop');
    await space.untilGone('ConfigMap', 'a');
    await space.untilGone('Transform', 'shop');
  });

  story(
    'an object of another namespace, or of the whole cluster, is refused before any write',
    async ({ space }) => {
      const elsewhere = configMap('elsewhere');
      const nodes = {
        fine: configMap('fine'),
        elsewhere: {
          object: { ...elsewhere.object, metadata: { name: 'elsewhere', namespace: 'kube-system' } },
        },
        global: {
          object: {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRole',
            metadata: { name: `${space.namespace}-global` },
            rules: [],
          },
        },
      };
      await space.transform('shop', inline(nodes));
      const refused = await space.untilFailing('shop', 'NotConfined');
      const message = conditionOf(refused, 'Ready')?.message ?? '';
      expect(message).toMatch(/node elsewhere: ConfigMap elsewhere .*kube-system/);
      expect(message).toMatch(/node global: ClusterRole .*global/);
      expect(conditionOf(refused, 'Stalled')?.status).toBe('True');
      expect(await space.names('ConfigMap')).toEqual([]);

      await space.transform('shop', inline({ fine: configMap('fine') }));
      await space.untilReady('shop');
      // What runs goes on when a later version reaches out.
      await space.transform('shop', inline(nodes));
      await space.untilFailing('shop', 'NotConfined');
      expect(await space.graphStatus('shop')).toMatchObject({ phase: 'Ready' });
      expect(await space.names('ConfigMap')).toEqual(['fine']);
    },
  );
});
