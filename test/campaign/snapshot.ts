// The state of a namespace, without what is different each time: names of versions, times, and what controllers of
// Kubernetes itself fill in.
import {
  FIELD_MANAGER_PREFIX,
  type KubeObject,
  RECONCILE_ANNOTATION,
  RELEASED_FIELD_MANAGER,
} from '../../src/api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/json/index.ts';
import { CONTROLLER_REVISIONS } from '../../src/kube/index.ts';
import { membersAt, without, withValue } from './json-path.ts';
import { COMPARED_KINDS } from './kinds.ts';
import type { World } from './world.ts';

export interface Snapshot {
  /** By `Kind/name`. */
  readonly objects: JsonObject;
  /** By `Kind/name`, of the objects that the graph has. */
  readonly uids: Readonly<Record<string, string>>;
}

const UNSTABLE_METADATA = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'ownerReferences',
  'namespace',
];

const CONTROLLERS_ANNOTATION = /^(deployment|pv|volume\.(beta\.)?)\.?kubernetes\.io\//;
const SYSTEM_MANAGER = /^(kube-|kwok|kubectl)/;
/** In every namespace, by controllers of Kubernetes. */
const ALWAYS_THERE = ['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default'];

export async function takeSnapshot(world: World): Promise<Snapshot> {
  const lists = await Promise.all(
    COMPARED_KINDS.map(async (resource) => ({
      kind: resource.kind,
      items: await world.list(resource),
    })),
  );
  const candidates = await world.list(CONTROLLER_REVISIONS, 'pequod.io/candidate');
  const objects: Record<string, JsonValue> = { 'candidate revisions': candidates.length };
  const uids: Record<string, string> = {};
  for (const { kind, items } of lists) {
    for (const item of items) {
      const key = `${kind}/${item.metadata.name}`;
      if (ALWAYS_THERE.includes(key)) continue;
      objects[key] = normalised(kind, item);
      if (kind !== 'ResourceGraph') uids[key] = item.metadata.uid ?? '';
    }
  }
  return { objects, uids };
}

function normalised(kind: string, object: KubeObject): JsonObject {
  const common = { ...without(object, 'apiVersion', 'kind', 'status'), metadata: metadataOf(object) };
  switch (kind) {
    case 'Transform':
      return { ...common, status: transformStatus(membersAt(object, ['status'])) };
    case 'ResourceGraph':
      return { ...graphSpec(common), status: graphStatus(membersAt(object, ['status'])) };
    case 'Service':
      return { ...common, managers: managersOf(object), spec: serviceSpec(membersAt(object, ['spec'])) };
    case 'PersistentVolumeClaim':
      return { ...withValue(common, ['spec', 'volumeName'], undefined), managers: managersOf(object) };
    default:
      return { ...common, managers: managersOf(object) };
  }
}

function metadataOf({ metadata }: KubeObject): JsonObject {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !CONTROLLERS_ANNOTATION.test(key) && key !== RECONCILE_ANNOTATION,
  );
  const owners = (metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind}/${name}`);
  return {
    ...without(metadata, ...UNSTABLE_METADATA),
    annotations: Object.fromEntries(annotations),
    owners,
    isGoing: metadata.deletionTimestamp !== undefined,
  };
}

/**
 * Which manager owns which fields. What is kept for others counts as ours: our own share goes, and comes, with the next
 * apply. What was released is nobody's, and may stay written there.
 */
function managersOf({ metadata }: KubeObject): JsonObject {
  const managers: Record<string, JsonObject> = {};
  for (const { manager = '', operation = '', fieldsV1, subresource } of metadata.managedFields ?? []) {
    if (SYSTEM_MANAGER.test(manager) || manager === RELEASED_FIELD_MANAGER || subresource !== undefined)
      continue;
    const name = manager.startsWith(FIELD_MANAGER_PREFIX) ? 'pequod' : `${manager} ${operation}`;
    managers[name] = union(managers[name] ?? {}, fieldsV1 ?? {});
  }
  return managers;
}

function union(fields: JsonObject, others: JsonObject): JsonObject {
  const keys = [...new Set([...Object.keys(fields), ...Object.keys(others)])];
  return Object.fromEntries(
    keys.map((key) => [key, union(membersAt(fields, [key]), membersAt(others, [key]))]),
  );
}

function serviceSpec(spec: JsonObject): JsonObject {
  const { ports } = spec;
  const items = isJsonArray(ports) ? ports : [];
  return {
    ...without(spec, 'clusterIP', 'clusterIPs', 'healthCheckNodePort'),
    ports: items.map((port) => (isJsonObject(port) ? without(port, 'nodePort') : port)),
  };
}

function transformStatus(status: JsonObject): JsonObject {
  const kept = without(
    status,
    'observedGeneration',
    'firstReadyAt',
    'lastHandledReconcileAt',
    'currentRevision',
    'liveRenders',
    'resourceGraphRef',
  );
  let next: JsonObject = { ...kept, conditions: conditionsOf(status) };
  for (const [at, key] of [
    ['resolvedCueRef', 'revision'],
    ['resolvedCueRef', 'fetchedAt'],
    ['applied', 'revision'],
  ] as const)
    next = withValue(next, [at, key], undefined);
  return next;
}

function graphSpec(graph: JsonObject): JsonObject {
  let next = graph;
  for (const path of [
    ['spec', 'sourceRef', 'uid'],
    ['spec', 'metadata', 'renderedAt'],
    ['spec', 'metadata', 'revision'],
  ])
    next = withValue(next, path, undefined);
  return next;
}

function graphStatus(status: JsonObject): JsonObject {
  const kept = without(
    status,
    'observedGeneration',
    'history',
    'lastDrift',
    'executedAt',
    'readyRevision',
    'lastHandledReconcileAt',
  );
  return {
    ...kept,
    conditions: conditionsOf(status),
    nodeStatus: nodeStatuses(membersAt(status, ['nodeStatus'])),
    inventory: inventoryOf(status),
  };
}

/** What was pruned, or repaired, and is over says as much as that there was nothing. */
function conditionsOf(status: JsonObject): JsonObject {
  const { conditions } = status;
  const told = (isJsonArray(conditions) ? conditions : [])
    .filter(isJsonObject)
    .filter(
      ({ type, status: state }) =>
        !(type === 'Pruned' && state === 'True') && !(type === 'DriftDetected' && state === 'False'),
    );
  return Object.fromEntries(
    told.map((each) => [
      String(each['type']),
      without(each, 'type', 'lastTransitionTime', 'observedGeneration'),
    ]),
  );
}

function nodeStatuses(nodes: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(nodes).map(([id]) => {
      const node = membersAt(nodes, [id]);
      const exports = membersAt(node, ['exports']);
      const values = Object.keys(exports).map(
        (name) => [name, without(membersAt(exports, [name]), 'uid')] as const,
      );
      const kept = without(
        node,
        'readyAt',
        'appliedAt',
        'lastTransitionTime',
        'setbacks',
        'quarantinedUntil',
      );
      return [id, { ...kept, exports: Object.fromEntries(values) }] as const;
    }),
  );
}

/** By object. What a version is called, and when something was first seen, differs each time. */
function inventoryOf(status: JsonObject): JsonObject {
  const items = membersAt(status, ['inventory'])['items'];
  return Object.fromEntries(
    (isJsonArray(items) ? items : [])
      .filter(isJsonObject)
      .map((item) => [
        `${String(item['kind'])}/${String(item['name'])}`,
        without(item, 'uid', 'owned', 'recordedAt', 'prunableSince'),
      ]),
  );
}
