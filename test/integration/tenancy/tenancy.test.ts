import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { PequodError } from '../../../src/errors.ts';
import {
  type CallRecord,
  CONFIG_MAPS,
  kubeconfigConfig,
  NAMESPACES,
  OperatorClient,
  SECRETS,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { describeMissing, type RightsNeed, Tenancy } from '../../../src/tenancy/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';

const { kubectl, kubeconfigPath } = accessControlPlane(inject('controlPlane'));
const namespace = `tenancy-${randomUUID().slice(0, 8)}`;
const clock = { ms: 0 };
const calls: string[] = [];
let operator: OperatorClient;

beforeAll(async () => {
  const onCall = ({ verb, resource }: CallRecord): void => {
    calls.push(`${verb} ${resource}`);
  };
  const config = await kubeconfigConfig({ path: kubeconfigPath });
  operator = new OperatorClient({ config, version: 'test', log: silentLogger(), now: Date.now, onCall });
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['-n', namespace, 'create', 'serviceaccount', 'team']);
  const named = ['--verb=get,patch', '--resource=secrets', '--resource-name=known'];
  await kubectl(['-n', namespace, 'create', 'role', 'secret', ...named]);
  await bind('team', ['rolebinding', 'secret', '--role=secret']);
  const verbs = ['--verb=get,list,watch', '--resource=configmaps'];
  await kubectl(['-n', namespace, 'create', 'role', 'config', ...verbs]);
  await bind('team', ['rolebinding', 'config', '--role=config']);
});

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await operator.close();
});

async function bind(serviceAccount: string, what: readonly string[]): Promise<void> {
  await kubectl(['-n', namespace, 'create', ...what, `--serviceaccount=${namespace}:${serviceAccount}`]);
}

function tenancy(operatorIdentity?: { readonly namespace: string; readonly name: string }): Tenancy {
  calls.length = 0;
  return new Tenancy({
    operator,
    defaultServiceAccount: 'default',
    now: () => clock.ms,
    operatorIdentity: () => operatorIdentity,
  });
}

function soon(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

async function codeOf(attempt: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof PequodError ? `${error.code} ${error.reason}` : undefined;
}

describe('clientFor', () => {
  it('acts as the ServiceAccount, and asks for its existence once a minute', async () => {
    const subject = tenancy();
    const [client] = await Promise.all([1, 2].map(() => subject.clientFor(namespace, 'team', soon())));
    expect(client?.username).toBe(`system:serviceaccount:${namespace}:team`);
    await subject.clientFor(namespace, 'team', soon());
    expect(calls).toEqual(['get serviceaccounts']);
    clock.ms += 60_000;
    await subject.clientFor(namespace, 'team', soon());
    expect(calls).toEqual(['get serviceaccounts', 'get serviceaccounts']);
  });

  it('never falls back to another identity', async () => {
    const subject = tenancy({ namespace, name: 'team' });
    expect(await codeOf(subject.clientFor(namespace, 'ghost', soon()))).toBe(
      'SERVICE_ACCOUNT_MISSING ServiceAccountMissing',
    );
    for (const name of ['', 'a/b', 'a:b', 'team']) {
      expect(await codeOf(subject.clientFor(namespace, name, soon()))).toBe(
        'INVALID_IDENTITY InvalidServiceAccount',
      );
    }
    expect(calls).toEqual(['get serviceaccounts']);
  });

  it('sees a ServiceAccount as soon as it is there', async () => {
    const subject = tenancy();
    expect(await codeOf(subject.clientFor(namespace, 'late', soon()))).toMatch(/^SERVICE_ACCOUNT_MISSING/);
    await kubectl(['-n', namespace, 'create', 'serviceaccount', 'late']);
    expect((await subject.clientFor(namespace, 'late', soon())).username).toMatch(/:late$/);
  });

  it('does not ask for its existence where something is deleted', () => {
    expect(tenancy().clientForDeletion(namespace, 'ghost').username).toMatch(/:ghost$/);
    expect(calls).toEqual([]);
  });
});

describe('missingRights', () => {
  const REVIEW = 'create selfsubjectrulesreviews.authorization.k8s.io';
  const needs: readonly RightsNeed[] = [
    { resource: CONFIG_MAPS, namespace, verbs: ['get', 'create', 'patch'] },
    { resource: SECRETS, namespace, name: 'known', verbs: ['get', 'patch'] },
    { resource: SECRETS, namespace, name: 'other', verbs: ['get'] },
  ];

  it('finds all that is missing in a namespace with one review', async () => {
    const subject = tenancy();
    const missing = await subject.missingRights(namespace, 'team', needs, soon());
    expect(describeMissing(namespace, 'team', missing)).toBe(
      `service account ${namespace}/team may not create, patch configmaps; get secrets in namespace ${namespace}`,
    );
    await subject.missingRights(namespace, 'team', needs, soon());
    expect(calls).toEqual([REVIEW]);
  });

  it('agrees with what the API server then allows', async () => {
    const subject = tenancy();
    await kubectl(['-n', namespace, 'create', 'serviceaccount', 'editor']);
    const need: RightsNeed = { resource: CONFIG_MAPS, namespace, verbs: ['create', 'patch', 'delete'] };
    expect(await subject.missingRights(namespace, 'editor', [need], soon())).toEqual([need]);
    await bind('editor', ['rolebinding', 'editor', '--clusterrole=edit']);
    expect(await subject.missingRights(namespace, 'editor', [need], soon())).toEqual([need]);
    subject.forget(namespace, 'editor');
    expect(await subject.missingRights(namespace, 'editor', [need], soon())).toEqual([]);
    const client = await subject.clientFor(namespace, 'editor', soon());
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'made' } };
    const applied = await client.apply(CONFIG_MAPS, object, { fieldManager: 'test' }, soon());
    expect(applied.isCreated).toBe(true);
  });

  it('is not taken in by a wide role in a namespace when a kind has none', async () => {
    const subject = tenancy();
    await kubectl(['-n', namespace, 'create', 'serviceaccount', 'local-admin']);
    await bind('local-admin', ['rolebinding', 'local-admin', '--clusterrole=cluster-admin']);
    const need: RightsNeed = { resource: NAMESPACES, verbs: ['create'] };
    const missing = await subject.missingRights(namespace, 'local-admin', [need, ...needs], soon());
    expect(missing).toEqual([need]);
  });
});
