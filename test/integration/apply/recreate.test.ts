// Fields that can't be changed: what the API server says of them, and when an object is deleted to be made anew.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/api/index.ts';
import { type ApplyNotice, ObjectApplier } from '../../../src/apply/index.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import { CONFIG_MAPS, type Resource, SECRETS } from '../../../src/kube/index.ts';
import {
  configMap,
  DEPLOYMENTS,
  deployment,
  requestFor,
  type TenantNamespace,
  tenantNamespace,
} from './tenant-namespace.ts';

const JOBS: Resource = { ...CONFIG_MAPS, group: 'batch', kind: 'Job', plural: 'jobs' };
const SERVICES: Resource = { ...CONFIG_MAPS, kind: 'Service', plural: 'services' };
const CLAIMS: Resource = { ...CONFIG_MAPS, kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' };
const STATEFUL_SETS: Resource = { ...DEPLOYMENTS, kind: 'StatefulSet', plural: 'statefulsets' };
const ROLE_BINDINGS: Resource = {
  ...CONFIG_MAPS,
  group: 'rbac.authorization.k8s.io',
  kind: 'RoleBinding',
  plural: 'rolebindings',
};

let space: TenantNamespace;
let applier: ObjectApplier;

beforeAll(async () => {
  space = await tenantNamespace();
  await space.kubectl([
    ...['create', 'rolebinding', 'all', '--clusterrole=cluster-admin'],
    `--serviceaccount=${space.namespace}:team`,
  ]);
  applier = new ObjectApplier(space.tenant, space.owner);
});

afterAll(async () => {
  await space.close();
});

const object = (resource: Resource, name: string, content: JsonObject): KubeObject => ({
  apiVersion: resource.group === '' ? 'v1' : `${resource.group}/v1`,
  kind: resource.kind,
  metadata: { name },
  ...content,
});

function job(name: string, image: string): KubeObject {
  const containers = [{ name: 'main', image }];
  return object(JOBS, name, { spec: { template: { spec: { restartPolicy: 'Never', containers } } } });
}

function claim(name: string, accessMode: string): KubeObject {
  const resources = { requests: { storage: '1Gi' } };
  return object(CLAIMS, name, { spec: { accessModes: [accessMode], resources } });
}

function statefulSet(name: string, serviceName: string): KubeObject {
  const { spec } = deployment(name, 0);
  return object(STATEFUL_SETS, name, { spec: { ...(typeof spec === 'object' ? spec : {}), serviceName } });
}

const service = (name: string, spec: JsonObject): KubeObject =>
  object(SERVICES, name, { spec: { ports: [{ port: 80 }], ...spec } });
const fixed = (name: string, value: string): KubeObject => ({
  ...configMap(name, { a: value }),
  immutable: true,
});
const selecting = (name: string, app: string): KubeObject => ({ ...deployment(app, 0), metadata: { name } });
const binding = (name: string, role: string): KubeObject =>
  object(ROLE_BINDINGS, name, {
    roleRef: { apiGroup: ROLE_BINDINGS.group, kind: 'ClusterRole', name: role },
  });

interface Change {
  readonly resource: Resource;
  readonly before: KubeObject;
  readonly after: KubeObject;
  readonly field: string;
}

const CHANGES: readonly Change[] = [
  { resource: JOBS, before: job('job', 'a:1'), after: job('job', 'a:2'), field: 'spec.template' },
  {
    resource: DEPLOYMENTS,
    before: selecting('web', 'a'),
    after: selecting('web', 'b'),
    field: 'spec.selector',
  },
  { resource: STATEFUL_SETS, before: statefulSet('db', 'a'), after: statefulSet('db', 'b'), field: 'spec' },
  {
    resource: SERVICES,
    before: service('svc', {}),
    after: service('svc', { clusterIP: 'None' }),
    field: 'spec.clusterIPs[0]',
  },
  { resource: CONFIG_MAPS, before: fixed('fixed', '1'), after: fixed('fixed', '2'), field: 'data' },
  {
    resource: SECRETS,
    before: object(SECRETS, 'typed', { type: 'Opaque' }),
    after: object(SECRETS, 'typed', { type: 'example.com/other' }),
    field: 'type',
  },
  {
    resource: ROLE_BINDINGS,
    before: binding('bound', 'view'),
    after: binding('bound', 'edit'),
    field: 'roleRef',
  },
];

const refusal = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

/** Tries again, as passes do, until the object is gone and made anew. */
async function applyUntilDone(request: ReturnType<typeof requestFor>): Promise<KubeObject> {
  for (;;) {
    try {
      return (await applier.apply(request, space.signal)).object;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      // The Pods' and the controllers' part of a deletion.
      if (error.code !== 'RECREATING' && error.code !== 'OBJECT_TERMINATING') throw error;
      await space.kubectl(['wait', '--for=delete', `${request.resource.plural}/${request.entry.name}`]);
    }
  }
}

describe.each(CHANGES)('$field of a $resource.kind', ({ resource, before, after, field }) => {
  it('is an error with a name, and then a new object where the node asks for it', async () => {
    const { entry } = await applier.apply(requestFor(space, before, { resource }), space.signal);
    const refused = await refusal(applier.apply(requestFor(space, after, { resource, entry }), space.signal));
    expect(refused).toMatchObject({ code: 'IMMUTABLE_FIELD', reason: 'ImmutableField', field });
    expect(refused).toMatchObject({ message: expect.stringContaining('recreate: OnImmutable') });

    const told: ApplyNotice[] = [];
    const policy = { recreate: 'OnImmutable' } as const;
    const tell = (notice: ApplyNotice): void => void told.push(notice);
    const made = await applyUntilDone(requestFor(space, after, { resource, entry, policy, tell }));
    expect(made.metadata.uid).not.toBe(entry.uid);
    expect(told).toContainEqual({ type: 'recreating', fields: [field] });
  });
});

describe('recreate OnImmutable', () => {
  const policy = { recreate: 'OnImmutable' } as const;

  const uidOf = async (resource: Resource, name: string): Promise<string | undefined> =>
    (await space.admin.get(resource, { namespace: space.namespace, name }, space.signal)).metadata.uid;

  it('leaves a claim alone until the claim itself allows it', async () => {
    const options = { resource: CLAIMS, policy };
    const { entry } = await applier.apply(
      requestFor(space, claim('disk', 'ReadWriteOnce'), options),
      space.signal,
    );
    const changed = requestFor(space, claim('disk', 'ReadWriteMany'), { ...options, entry });
    expect(await refusal(applier.apply(changed, space.signal))).toMatchObject({
      code: 'IMMUTABLE_FIELD',
      message: expect.stringContaining('pequod.io/allow-recreate'),
    });
    expect(await uidOf(CLAIMS, 'disk')).toBe(entry.uid);
    await space.kubectl(['annotate', 'pvc', 'disk', 'pequod.io/allow-recreate=true']);
    const made = await applyUntilDone(changed);
    expect(made.metadata.uid).not.toBe(entry.uid);
  });

  it('never deletes what was found', async () => {
    await space.kubectl(['create', '-f', '-'], JSON.stringify(fixed('found', '1')));
    const { entry } = await applier.apply(requestFor(space, fixed('found', '1'), { policy }), space.signal);
    expect(entry.origin).toBe('Found');
    const changed = requestFor(space, fixed('found', '2'), {
      policy: { ...policy, conflictPolicy: 'Force' },
      entry,
    });
    expect(await refusal(applier.apply(changed, space.signal))).toMatchObject({
      code: 'IMMUTABLE_FIELD',
      message: expect.stringContaining('was there before'),
    });
    expect(await uidOf(CONFIG_MAPS, 'found')).toBe(entry.uid);
  });

  it('never deletes what is protected', async () => {
    const { entry } = await applier.apply(requestFor(space, fixed('kept', '1'), { policy }), space.signal);
    await space.kubectl(['annotate', 'configmap', 'kept', 'pequod.io/prune-protection=true']);
    const changed = requestFor(space, fixed('kept', '2'), { policy, entry });
    expect(await refusal(applier.apply(changed, space.signal))).toMatchObject({
      message: expect.stringContaining('prune-protection'),
    });
    expect(await uidOf(CONFIG_MAPS, 'kept')).toBe(entry.uid);
  });

  it('never deletes what could not be created again', async () => {
    const { entry } = await applier.apply(
      requestFor(space, service('bad', {}), { resource: SERVICES, policy }),
      space.signal,
    );
    const wrong = service('bad', { clusterIP: '192.0.2.7' });
    const changed = requestFor(space, wrong, { resource: SERVICES, policy, entry });
    expect(await refusal(applier.apply(changed, space.signal))).toMatchObject({
      code: 'IMMUTABLE_FIELD',
      message: expect.stringContaining('a new one would be refused'),
    });
    expect(await uidOf(SERVICES, 'bad')).toBe(entry.uid);
  });

  it('is not misled by a wrong value', async () => {
    const { entry } = await applier.apply(
      requestFor(space, deployment('wrong', 0), { resource: DEPLOYMENTS, policy }),
      space.signal,
    );
    const changed = requestFor(space, deployment('wrong', -1), { resource: DEPLOYMENTS, policy, entry });
    expect(await refusal(applier.apply(changed, space.signal))).toMatchObject({ code: 'INVALID_OBJECT' });
    expect(await uidOf(DEPLOYMENTS, 'wrong')).toBe(entry.uid);
  });

  it('makes a Service anew that holds a port of the nodes', async () => {
    const ports = [{ port: 80, nodePort: 30_999 }];
    const first = service('nodes', { type: 'NodePort', ports });
    const { entry } = await applier.apply(
      requestFor(space, first, { resource: SERVICES, policy }),
      space.signal,
    );
    const moved = service('nodes', { type: 'NodePort', ports, clusterIP: '10.96.200.77' });
    const made = await refusal(
      applier.apply(requestFor(space, moved, { resource: SERVICES, policy, entry }), space.signal),
    );
    expect(made).toBeUndefined();
    expect(await uidOf(SERVICES, 'nodes')).not.toBe(entry.uid);
  });

  it('goes on after a crash that followed the deletion, and deletes nothing twice', async () => {
    const { entry } = await applier.apply(requestFor(space, fixed('crashed', '1'), { policy }), space.signal);
    await space.kubectl(['delete', 'configmap', 'crashed']);
    const told: ApplyNotice[] = [];
    const tell = (notice: ApplyNotice): void => void told.push(notice);
    const request = requestFor(space, fixed('crashed', '2'), { policy, entry, tell });
    const first = await applier.apply(request, space.signal);
    // The answer of that one is lost: the next process has the old entry.
    const second = await applier.apply({ ...request, isLookFirst: true }, space.signal);
    expect(second.entry).toMatchObject({ uid: first.entry.uid, origin: 'Created' });
    expect(told).toEqual([]);
  });
});
