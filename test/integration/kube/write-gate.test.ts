import { expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  LEASES,
  NotLeaderError,
  type OperatorClient,
  SECRETS,
  serviceAccountIdentity,
} from '../../../src/kube/index.ts';
import { configMap, soon } from './cluster.ts';
import { clientOf, ScriptedServer, sendJson, sendStatus } from './scripted-server.ts';

const KEY = { namespace: 'shop', name: 'web' };
const OBJECT = configMap('shop', 'web', {});

/** Every way to store something. */
function writesOf(client: OperatorClient): Readonly<Record<string, () => Promise<unknown>>> {
  const tenant = client.forServiceAccount(serviceAccountIdentity('shop', 'deployer'));
  const lease = { ...OBJECT, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  return {
    create: () => client.create(SECRETS, OBJECT, {}, soon()),
    apply: () => tenant.apply(CONFIG_MAPS, OBJECT, { fieldManager: 'm' }, soon()),
    mergePatch: () => client.mergePatch(CONFIG_MAPS, KEY, {}, { subresource: 'status' }, soon()),
    jsonPatch: () => tenant.jsonPatch(CONFIG_MAPS, KEY, [], {}, soon()),
    delete: () => tenant.delete(CONFIG_MAPS, KEY, { propagationPolicy: 'Background' }, soon()),
    'lease of a tenant': () => tenant.apply(LEASES, lease, { fieldManager: 'm' }, soon()),
  };
}

/** Every way to store nothing, and the calls that leases are kept by. */
function harmlessOf(client: OperatorClient): Readonly<Record<string, () => Promise<unknown>>> {
  const dryRun = true;
  return {
    get: () => client.get(CONFIG_MAPS, KEY, soon()),
    review: () => client.selfSubjectRulesReview('shop', soon()),
    'access review': () =>
      client.selfSubjectAccessReview({ verb: 'get', group: '', resource: 'pods' }, soon()),
    create: () => client.create(CONFIG_MAPS, OBJECT, { dryRun }, soon()),
    apply: () => client.apply(CONFIG_MAPS, OBJECT, { fieldManager: 'm', dryRun }, soon()),
    jsonPatch: () => client.jsonPatch(CONFIG_MAPS, KEY, [], { dryRun }, soon()),
    delete: () => client.delete(CONFIG_MAPS, KEY, { propagationPolicy: 'Background', dryRun }, soon()),
    lease: () => client.mergePatch(LEASES, KEY, {}, {}, soon()),
  };
}

it('lets nothing out that may be stored where the process may not write', async () => {
  await using server = await ScriptedServer.start((response) => sendJson(response, 200, OBJECT));
  let isLeader = true;
  const mayWrite = (): void => {
    if (!isLeader) throw new NotLeaderError('the lease has expired');
  };
  const client = clientOf(server, { mayWrite });
  try {
    for (const write of Object.values(writesOf(client))) await write();
    const before = server.seen.length;
    isLeader = false;
    for (const [name, write] of Object.entries(writesOf(client))) {
      await expect(write(), name).rejects.toBeInstanceOf(NotLeaderError);
    }
    expect(server.seen).toHaveLength(before);
    for (const [name, call] of Object.entries(harmlessOf(client))) {
      await expect(call(), name).resolves.toBeDefined();
    }
  } finally {
    await client.close();
  }
});

it('asks again before a write is repeated with new credentials', async () => {
  await using server = await ScriptedServer.start((response) => sendStatus(response, 401, 'Unauthorized'));
  let asked = 0;
  const mayWrite = (): void => {
    asked += 1;
    if (asked > 1) throw new NotLeaderError('the lease has expired');
  };
  const client = clientOf(server, { mayWrite, token: async (isRefused) => (isRefused ? 'new' : 'old') });
  try {
    await expect(client.create(CONFIG_MAPS, OBJECT, {}, soon())).rejects.toBeInstanceOf(NotLeaderError);
    expect(server.seen).toHaveLength(1);
  } finally {
    await client.close();
  }
});
