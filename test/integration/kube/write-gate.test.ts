import { once } from 'node:events';
import { createServer } from 'node:https';
import { expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  fixedClusterConfig,
  LEASES,
  NotLeaderError,
  OperatorClient,
  SECRETS,
  serviceAccountIdentity,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { createTestAuthority } from '../../servers/index.ts';
import { eventually } from '../eventually.ts';
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
    update: () => client.update(CONFIG_MAPS, OBJECT, {}, soon()),
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
    update: () => client.update(CONFIG_MAPS, OBJECT, { dryRun }, soon()),
    apply: () => client.apply(CONFIG_MAPS, OBJECT, { fieldManager: 'm', dryRun }, soon()),
    jsonPatch: () => client.jsonPatch(CONFIG_MAPS, KEY, [], { dryRun }, soon()),
    delete: () => client.delete(CONFIG_MAPS, KEY, { propagationPolicy: 'Background', dryRun }, soon()),
    lease: () => client.update(LEASES, OBJECT, {}, soon()),
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

it('asks when the connection is there: one that took long may have outlasted the lease', async () => {
  const authority = createTestAuthority();
  const { certificate, key } = authority.issue();
  let seen = 0;
  let isLeader = true;
  // The lease ends in the middle of the handshake.
  const SNICallback = (_name: string, done: (error: null) => void): void => {
    isLeader = false;
    done(null);
  };
  const server = createServer({ cert: certificate, key, SNICallback }, (_request, response) => {
    seen += 1;
    sendJson(response, 200, OBJECT);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = new OperatorClient({
    config: fixedClusterConfig({ server: `https://localhost:${port}`, tls: { caData: authority.caPem } }),
    version: '1.2.3',
    log: silentLogger(),
    now: Date.now,
    mayWrite: () => {
      if (!isLeader) throw new NotLeaderError('the lease has expired');
    },
  });
  try {
    await expect(client.create(CONFIG_MAPS, OBJECT, {}, soon())).rejects.toBeInstanceOf(NotLeaderError);
    expect(isLeader).toBe(false);
    expect(seen).toBe(0);
    // The connection is as good as before.
    isLeader = true;
    await client.create(CONFIG_MAPS, OBJECT, {}, soon());
    expect(seen).toBe(1);
  } finally {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
});

it('tells when no write is under way', async () => {
  const answers: (() => void)[] = [];
  await using server = await ScriptedServer.start((response) => {
    answers.push(() => sendJson(response, 200, OBJECT));
  });
  const client = clientOf(server, { mayWrite: () => undefined });
  try {
    await client.writesSettled();
    const writes = [1, 2].map(() => client.create(CONFIG_MAPS, OBJECT, {}, soon()));
    await eventually(() => expect(answers).toHaveLength(2));
    let isSettled = false;
    const settled = client.writesSettled().then(() => {
      isSettled = true;
    });
    answers[0]?.();
    await Promise.race(writes);
    expect(isSettled).toBe(false);
    answers[1]?.();
    await settled;
    await Promise.all(writes);
  } finally {
    await client.close();
  }
});
