// What is kept of a watched object: enough to see drift, readiness and belonging, what expressions over it came to, and
// never its content: of a Secret's data there is at most a share in a hash.
import {
  FIELD_MANAGER_PREFIX,
  GRAPH_LABEL,
  gvkOf,
  KEEP_FIELD_MANAGER,
  type KubeObject,
} from '../../api/index.ts';
import type { Evaluation } from '../../cel/index.ts';
import { ownedHash, rivalsHash } from '../fields/index.ts';
import { objectStatusOf } from './kstatus.ts';
import type { ObjectStatus } from './object-status.ts';
import { conditionsOf, numberAt, type ReadCondition } from './read.ts';
import { replicasOf } from './workloads.ts';

/** Longest message of a condition that is kept. */
const MAX_MESSAGE = 256;
/** Most conditions that are kept. */
const MAX_CONDITIONS = 32;

export interface Observation {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly generation?: number;
  readonly observedGeneration?: number;
  readonly finalizers: readonly string[];
  /** Value of our label: the id of the graph. Alone it proves nothing. */
  readonly graphId?: string;
  /** Those of `pequod.io/`. */
  readonly annotations: { readonly [key: string]: string };
  /** By field manager of a graph: hash of what its Apply entry owns. */
  readonly owned: { readonly [manager: string]: string };
  /** Hash of what others own; absent where nobody does. */
  readonly rivals?: string;
  readonly status: ObjectStatus;
  readonly conditions: readonly ReadCondition[];
  /** Of workloads with replicas. */
  readonly replicas?: { readonly wanted: number; readonly ready: number; readonly available: number };
  /** Of the expressions that its node had when it was last looked at. */
  readonly answers?: Answers;
}

/** What expressions over an object came to, by their hash. */
export interface Answers {
  readonly [expressionHash: string]: Evaluation;
}

/** What the graphs want of an object beyond its projection. */
export interface ObservationInterests {
  /** JSON pointers into it that don't count as ours. */
  ignoredPointersOf(object: KubeObject): readonly string[];
  /** Undefined where nobody asks. */
  answersOf(object: KubeObject): Answers | undefined;
}

const SCALABLE: ReadonlySet<string> = new Set(['apps/Deployment', 'apps/StatefulSet', 'apps/ReplicaSet']);
const NO_STRINGS: readonly string[] = [];
const NO_CONDITIONS: readonly ReadCondition[] = [];
const NO_MEMBERS: { readonly [key: string]: string } = Object.freeze({});

/**
 * The projection of a live object that informers keep.
 * @param interests what the graphs want of it; nothing by default.
 */
export function observe(object: KubeObject, interests?: ObservationInterests): Observation {
  const { metadata } = object;
  const { labels, annotations, namespace, deletionTimestamp, generation } = metadata;
  const observedGeneration = numberAt(object, 'status', 'observedGeneration');
  const graphId = labels?.[GRAPH_LABEL];
  const answers = interests?.answersOf(object);
  const rivals = rivalsHash(object);
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    creationTimestamp: metadata.creationTimestamp ?? '',
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(generation === undefined ? {} : { generation }),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    finalizers: metadata.finalizers ?? NO_STRINGS,
    ...(graphId === undefined ? {} : { graphId }),
    annotations: ourAnnotations(annotations),
    owned: ownedByManager(object, interests),
    ...(rivals === undefined ? {} : { rivals }),
    status: shortened(objectStatusOf(object)),
    conditions: keptConditions(object),
    ...keptReplicas(object),
    ...(answers === undefined ? {} : { answers }),
  };
}

function ourAnnotations(annotations: KubeObject['metadata']['annotations']): Observation['annotations'] {
  let found: { [key: string]: string } | undefined;
  for (const key in annotations) {
    const value = annotations[key];
    if (value === undefined || !key.startsWith('pequod.io/')) continue;
    found ??= {};
    found[key] = value;
  }
  return found ?? NO_MEMBERS;
}

function ownedByManager(
  object: KubeObject,
  interests: ObservationInterests | undefined,
): Observation['owned'] {
  let found: { [manager: string]: string } | undefined;
  for (const { manager } of object.metadata.managedFields ?? []) {
    if (manager === undefined || !manager.startsWith(FIELD_MANAGER_PREFIX) || manager === KEEP_FIELD_MANAGER)
      continue;
    if (found?.[manager] !== undefined) continue;
    const owned = ownedHash(object, manager, interests?.ignoredPointersOf(object));
    if (owned === undefined) continue;
    found ??= {};
    found[manager] = owned;
  }
  return found ?? NO_MEMBERS;
}

function keptConditions(object: KubeObject): readonly ReadCondition[] {
  const conditions = conditionsOf(object);
  return conditions.length === 0 ? NO_CONDITIONS : conditions.slice(0, MAX_CONDITIONS).map(shortened);
}

// A cut string would keep the whole one in memory; copying it does not.
function shortened<T extends { readonly message: string }>(value: T): T {
  if (value.message.length <= MAX_MESSAGE) return value;
  return { ...value, message: Buffer.from(`${value.message.slice(0, MAX_MESSAGE - 1)}…`).toString() };
}

function keptReplicas(object: KubeObject): Pick<Observation, 'replicas'> {
  const { group, kind } = gvkOf(object);
  if (!SCALABLE.has(`${group}/${kind}`)) return {};
  const { wanted, ready, available } = replicasOf(object);
  return { replicas: { wanted, ready, available } };
}
