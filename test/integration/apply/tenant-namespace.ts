// A namespace with a ServiceAccount that may edit in it, and clients for both sides, for tests of `src/apply`.
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { ApplyPolicy, InventoryItem, KubeObject, Origin } from '../../../src/api/index.ts';
import type { ApplyRequest, Removal } from '../../../src/apply/index.ts';
import { fieldManagerOf, type GraphOwner, stampObject } from '../../../src/apply/index.ts';
import {
  CONFIG_MAPS,
  kubeconfigConfig,
  OperatorClient,
  type Resource,
  RestMapper,
  serviceAccountIdentity,
  type TenantClient,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';

export const DEPLOYMENTS: Resource = {
  ...CONFIG_MAPS,
  group: 'apps',
  kind: 'Deployment',
  plural: 'deployments',
};

export interface TenantNamespace {
  readonly namespace: string;
  readonly admin: OperatorClient;
  readonly tenant: TenantClient;
  readonly mapper: RestMapper;
  readonly owner: GraphOwner;
  readonly signal: AbortSignal;
  /** kubectl as admin, in the namespace. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** A client of the tenant that waits for `meddle` right before each write that carries a guard. */
  meddledTenant(meddle: (write: GuardedWrite) => Promise<unknown>): TenantClient;
  close(): Promise<void>;
}

/** A write that somebody else may outrun. */
export interface GuardedWrite {
  readonly verb: 'apply' | 'delete' | 'jsonPatch';
  readonly fieldManager?: string | undefined;
}

/** Makes a namespace of its own for one test file. */
export async function tenantNamespace(): Promise<TenantNamespace> {
  const controlPlane = accessControlPlane(inject('controlPlane'));
  const namespace = `apply-${randomUUID().slice(0, 8)}`;
  const config = await kubeconfigConfig({ path: controlPlane.kubeconfigPath });
  const admin = new OperatorClient({ config, version: 'test', log: silentLogger(), now: Date.now });
  await controlPlane.kubectl(['create', 'namespace', namespace]);
  await controlPlane.kubectl(['-n', namespace, 'create', 'serviceaccount', 'team']);
  await controlPlane.kubectl([
    ...['-n', namespace, 'create', 'rolebinding', 'team', '--clusterrole=edit'],
    `--serviceaccount=${namespace}:team`,
  ]);
  const identity = serviceAccountIdentity(namespace, 'team');
  const tenant = admin.forServiceAccount(identity);
  const meddledWith: OperatorClient[] = [];
  const owner = {
    namespace,
    name: 'web',
    graphId: `applyset-${namespace}-v1`,
    manager: fieldManagerOf({ namespace, name: 'web' }),
  };
  return {
    namespace,
    admin,
    tenant,
    mapper: new RestMapper({ client: admin, now: Date.now }),
    owner,
    signal: AbortSignal.timeout(60_000),
    kubectl: (args, stdin) => controlPlane.kubectl(['-n', namespace, ...args], stdin),
    meddledTenant: (meddle) => {
      const operator = new OperatorClient({ config, version: 'test', log: silentLogger(), now: Date.now });
      meddledWith.push(operator);
      return meddled(operator.forServiceAccount(identity), meddle);
    },
    close: async () => {
      await controlPlane.kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await Promise.all([admin, ...meddledWith].map((each) => each.close()));
    },
  };
}

function meddled(client: TenantClient, meddle: (write: GuardedWrite) => Promise<unknown>): TenantClient {
  const apply = client.apply.bind(client);
  const jsonPatch = client.jsonPatch.bind(client);
  const remove = client.delete.bind(client);
  client.apply = async (resource, object, options, signal) => {
    const { fieldManager, uid, resourceVersion } = options;
    if (uid !== undefined && resourceVersion !== undefined) await meddle({ verb: 'apply', fieldManager });
    return await apply(resource, object, options, signal);
  };
  client.jsonPatch = async (...request) => {
    await meddle({ verb: 'jsonPatch' });
    return await jsonPatch(...request);
  };
  client.delete = async (...request) => {
    await meddle({ verb: 'delete' });
    return await remove(...request);
  };
  return client;
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

export function deployment(name: string, replicas: number, image: string = 'web:1'): KubeObject {
  const labels = { app: name };
  const containers = [{ name: 'web', image }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

export interface RequestOptions {
  readonly resource?: Resource;
  readonly ignoreFields?: readonly string[];
  readonly entry?: InventoryItem;
  readonly isLookFirst?: boolean;
  readonly isRepair?: boolean;
  readonly policy?: ApplyPolicy;
  readonly tell?: ApplyRequest['tell'];
  readonly recordFound?: ApplyRequest['recordFound'];
}

/** A request as the graph controller makes it, for an object that is not in the inventory yet. */
export function requestFor(
  space: TenantNamespace,
  object: KubeObject,
  options: RequestOptions = {},
): ApplyRequest {
  const { resource = CONFIG_MAPS, ignoreFields = [], isLookFirst = false, isRepair = false } = options;
  const { policy = {}, tell = () => undefined } = options;
  const recordFound = options.recordFound ?? (async () => undefined);
  const stamped = (origin: Origin): KubeObject =>
    stampObject(
      { id: 'node', object },
      { owner: space.owner, namespace: space.namespace, origin, deletion: 'Delete' },
    );
  const { group, version, kind } = resource;
  const entry: InventoryItem = options.entry ?? {
    nodeId: 'node',
    ...{ group, version, kind },
    namespace: space.namespace,
    name: object.metadata.name,
    origin: 'Created',
    deletion: 'Delete',
    wave: 0,
  };
  return { resource, stamped, policy, tell, ignoreFields, entry, isLookFirst, isRepair, recordFound };
}

/** What pruning asks for of an object; `more` says what is different. */
export function removalOf(
  space: TenantNamespace,
  more: Pick<Removal, 'entry' | 'isOrphaned'> & Partial<Removal>,
): Removal {
  const namespacedKinds: Removal['namespacedKinds'] = (signal) => space.mapper.namespacedKinds(signal);
  return { resource: CONFIG_MAPS, isFinal: false, nowMs: Date.now(), namespacedKinds, ...more };
}
