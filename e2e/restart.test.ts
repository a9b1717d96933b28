import { expect } from 'vitest';
import type { KubeObject, ResourceGraphStatus } from '../src/api/index.ts';
import {
  cluster,
  configMap,
  exampleSpec,
  inline,
  type Kind,
  OPERATOR_USER,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

const running = useOperator();

const WATCHED: readonly Kind[] = [
  'ConfigMap',
  'Deployment',
  'ResourceGraph',
  'Service',
  'ServiceAccount',
  'Transform',
];

async function snapshot(space: Space): Promise<readonly KubeObject[]> {
  return (await Promise.all(WATCHED.map((kind) => space.list(kind)))).flat();
}

story(
  'a restart over settled Transforms reads what it watches and nothing else, and writes nothing',
  async ({ space }) => {
    const { operator } = running;
    await space.transform('storefront', await exampleSpec('webservice.yaml'));
    for (const name of ['one', 'two', 'three']) {
      await space.transform(
        name,
        inline({ a: configMap(`${name}-a`), b: configMap(`${name}-b`, {}, { dependsOn: ['a'] }) }),
      );
    }
    for (const name of ['storefront', 'one', 'two', 'three']) await space.untilReady(name);
    await operator.stop();
    const before = await snapshot(space);
    const audit = await cluster.openAuditLog();
    try {
      const mark = await audit.mark();
      await operator.restart();
      // Whatever the restart causes is in the queues before this one is.
      await space.transform('later', inline({ later: configMap('later') }));
      await space.untilReady('later');
      const isOfLater = ({ metadata }: KubeObject): boolean => metadata.name === 'later';
      expect((await snapshot(space)).filter((object) => !isOfLater(object))).toEqual(before);
      const calls = await audit.callsSince(mark, { user: OPERATOR_USER });
      const here = calls.filter(({ namespace, name }) => namespace === space.namespace && name !== 'later');
      // The new one needs its ServiceAccount checked, and its graph and Transform have its own name.
      const unexpected = here.filter(
        ({ resource, verb }) => resource !== 'serviceaccounts' && verb !== 'create',
      );
      expect(unexpected).toEqual([]);
      const asked = calls.flatMap(({ resource, requestURI }) => (resource === undefined ? [requestURI] : []));
      expect(asked.toSorted()).toEqual(['/api', '/apis', '/readyz', '/version']);
      expect(operator.log).not.toContain('"level":"error"');
    } finally {
      await audit.close();
    }
  },
);

story('what changed while nobody looked is done at the start', async ({ space }) => {
  const { operator } = running;
  await space.transform('shop', inline({ a: configMap('a', { k: 'v' }), b: configMap('b') }));
  await space.transform('leaver', inline({ gone: configMap('gone') }));
  await space.untilReady('shop');
  await space.untilReady('leaver');
  await operator.stop();
  await space.kubectl(['patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"k":"edited"}}']);
  await space.kubectl(['delete', 'configmap', 'b']);
  await space.delete('Transform', 'leaver');
  await operator.restart();
  await space.untilFound('ConfigMap', 'a', (found) => JSON.stringify(found['data']) === '{"k":"v"}');
  await space.untilFound('ConfigMap', 'b');
  await space.untilGone('Transform', 'leaver');
  await space.untilReady('shop');
  expect(await space.names('ConfigMap')).toEqual(['a', 'b']);
});

story('drift that is left is reported after a restart as before, without a write', async ({ space }) => {
  const { operator } = running;
  await space.transform('reported', inline({ a: configMap('a', { k: 'v' }) }, { drift: 'detect' }));
  await space.transform('fought', inline({ b: configMap('b', { k: 'v' }) }));
  await space.untilReady('reported');
  await space.untilReady('fought');
  await space.patch('ConfigMap', 'a', { data: { k: 'edited' } });
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' }, data: { k: 'theirs' } };
  const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=gitops', '-f', '-'];
  await space.kubectl(flags, JSON.stringify(theirs));
  const isTold = ({ conditions }: ResourceGraphStatus): boolean =>
    conditions?.some(({ type, status }) => type === 'DriftDetected' && status === 'True') === true;
  const names = ['reported', 'fought'];
  for (const name of names) await until(`${name} tells of it`, () => space.graphStatus(name), isTold);
  await space.untilFailing('fought', 'FieldConflict');

  await operator.stop();
  const versions = async (): Promise<readonly (string | undefined)[]> =>
    await Promise.all(
      names.map(async (name) => (await space.get('ResourceGraph', name)).metadata.resourceVersion),
    );
  const before = await versions();
  await operator.restart();
  await space.transform('later', inline({ later: configMap('later') }));
  await space.untilReady('later');
  expect(await versions()).toEqual(before);
});
