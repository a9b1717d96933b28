import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type AuditLog, accessControlPlane, parseAuditLines } from '../../control-plane/index.ts';

const cluster = accessControlPlane(inject('controlPlane'));
let audit: AuditLog;

beforeAll(async () => {
  audit = await cluster.openAuditLog();
});

afterAll(() => audit.close());

test('says who called what, since a mark', async () => {
  const user = 'audited';
  const namespace = 'audited';
  await cluster.kubectl(['create', 'namespace', namespace]);
  await cluster.kubectl([
    '-n',
    namespace,
    'create',
    'rolebinding',
    'edit',
    '--clusterrole=edit',
    `--user=${user}`,
  ]);
  const kubectl = cluster.kubectlAs(await cluster.kubeconfigFor({ user }));
  await kubectl(['-n', namespace, 'create', 'configmap', 'before']);

  const mark = await audit.mark();
  await kubectl(['-n', namespace, 'create', 'configmap', 'one']);
  await expect(kubectl(['-n', 'kube-system', 'delete', 'configmap', 'one'])).rejects.toThrow('forbidden');

  const writes = await audit.callsSince(mark, { user, verbs: ['create', 'delete'] });
  expect(writes).toMatchObject([
    { verb: 'create', user, resource: 'configmaps', namespace, code: 201, stage: 'ResponseComplete' },
    { verb: 'delete', user, resource: 'configmaps', namespace: 'kube-system', name: 'one', code: 403 },
  ]);
  expect(writes[0]?.userAgent).toMatch(/^kubectl\/v1\.36/);
  expect(await audit.callsSince(mark, { user: 'somebody-else' })).toEqual([]);
});

test('tells an impersonated user from the one who called', async () => {
  const mark = await audit.mark();
  const as = ['--as=system:serviceaccount:default:default'];
  await expect(cluster.kubectl(['get', 'secrets', ...as])).rejects.toThrow('forbidden');

  const calls = await audit.callsSince(mark, {
    user: 'system:serviceaccount:default:default',
    resource: 'secrets',
  });
  expect(calls).toMatchObject([{ user: 'admin', verb: 'list', code: 403 }]);
});

test('counts neither watches nor leases nor events', async () => {
  const mark = await audit.mark();
  const agent = { userAgent: 'kubectl' };
  await cluster.kubectl(['get', 'events,leases', '-A']);
  await expect(
    cluster.kubectl(['wait', 'configmap/kube-root-ca.crt', '--for=delete', '--timeout=1s']),
  ).rejects.toThrow('timed out');

  const all = await audit.since(mark);
  expect(all.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(
    expect.arrayContaining(['list events', 'list leases', 'watch configmaps']),
  );
  const counted = await audit.callsSince(mark, agent);
  expect(counted.filter(({ verb }) => verb === 'watch')).toEqual([]);
  expect(counted.filter(({ resource }) => resource === 'events' || resource === 'leases')).toEqual([]);
});

test('an entry is there as soon as its request is answered', async () => {
  for (let round = 0; round < 20; round += 1) {
    const mark = await audit.mark();
    const name = `flushed-${round}`;
    await cluster.kubectl(['create', 'configmap', name]);
    const calls = await audit.callsSince(mark, { user: 'admin', verbs: ['create'], resource: 'configmaps' });
    expect(calls, name).toHaveLength(1);
  }
});

test('a line that is no event is refused', () => {
  expect(() => parseAuditLines('[]\n')).toThrow('not an audit event');
});
