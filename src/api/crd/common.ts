// Schemas that both kinds use, and the limits. Every text and list has one, so that no object outgrows what etcd takes
// and no validation rule what the API server lets one cost.
import type {
  Condition,
  KubeObject,
  ManagedFieldsEntry,
  ObjectMeta,
  OwnerReference,
  StringMap,
} from '../meta.ts';
import {
  array,
  boolean,
  freeForm,
  integer,
  literals,
  map,
  object,
  optional,
  type Rule,
  type Schema,
  string,
} from '../schema/index.ts';
import type { DeletionPolicy, NodePhase, Violation } from '../transform.ts';

/** Longest name of an object. */
export const MAX_NAME_LENGTH = 253;
/** Longest text for people in a status. */
export const MAX_MESSAGE_LENGTH = 1024;
/** Most violations in one object. */
export const MAX_VIOLATIONS = 100;
/** Most nodes of a graph that the API accepts; the operator's own limit is lower by default. */
export const MAX_NODES = 1000;
/** Most entries of an inventory: what a graph had and what it will have. */
export const MAX_INVENTORY_ITEMS = 4000;

const SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
// At most 5 digits and 4 parts: nothing that fits overflows a Go duration.
const DURATION = '^([0-9]{1,5}(\\.[0-9]{1,3})?(ms|s|m|h)){1,4}$';

/** Is this a DNS-1123 subdomain, as the names of most objects are? */
export const SUBDOMAIN_PATTERN: string = SUBDOMAIN;

export function text(maxLength: number, description: string): Schema<string> {
  return string({ description, maxLength });
}

/** RFC 3339. */
export function time(description: string): Schema<string> {
  return string({ description, format: 'date-time', maxLength: 64 });
}

export function subdomain(description: string): Schema<string> {
  return string({ description, minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: SUBDOMAIN });
}

export function nodeId(description: string): Schema<string> {
  return string({
    description,
    minLength: 1,
    maxLength: 63,
    pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
    patternMessage: 'must be the id of a node: at most 63 of a-z, 0-9 and inner "-"',
  });
}

const POSITIVE: Rule<string> = {
  cel: "duration(self) > duration('0s')",
  message: 'must be longer than zero',
  holds: (value) => /[1-9]/.test(value),
};

/** A Go duration of hours, minutes, seconds and milliseconds, longer than zero. */
export function duration(description: string): Schema<string> {
  return string({
    description,
    minLength: 1,
    maxLength: 32,
    pattern: DURATION,
    patternMessage: 'must be a duration such as 90s or 5m',
    rules: [POSITIVE],
  });
}

/** How often it is set at most is the API server's matter: the default tells kstatus that nothing was seen yet. */
export function observedGeneration(): Schema<number> {
  return integer({
    description: 'Generation of the spec that this status speaks of; -1 before the first.',
    default: -1,
    minimum: -1,
  });
}

/** Longest CEL expression. */
export const MAX_EXPRESSION_LENGTH = 2048;

export function celExpression(description: string): Schema<string> {
  return string({ description, minLength: 1, maxLength: MAX_EXPRESSION_LENGTH });
}

export function deletionPolicy(description: string): Schema<DeletionPolicy> {
  return literals<DeletionPolicy>({ Delete: true, Orphan: true }, { description });
}

export function nodePhase(): Schema<NodePhase> {
  return literals<NodePhase>(
    { Pending: true, Applied: true, Ready: true, Error: true },
    { description: 'How far the node is.' },
  );
}

export function conditions(): Schema<readonly Condition[]> {
  const item = object<Condition>({
    type: string({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z]([A-Za-z0-9]*)$' }),
    status: literals<Condition['status']>({ True: true, False: true, Unknown: true }),
    reason: string({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' }),
    message: text(MAX_MESSAGE_LENGTH, 'What it means, for people.'),
    lastTransitionTime: time('When the status last changed.'),
    observedGeneration: optional(integer({ minimum: -1 })),
  });
  return array(item, {
    description: 'What is known of the object. Reconciling and Stalled are there only while they are true.',
    maxItems: 16,
    listType: 'map',
    mapKeys: ['type'],
  });
}

export function violations(description: string): Schema<readonly Violation[]> {
  const item = object<Violation>({
    path: text(1024, 'Where in the input or the graph, e.g. input.replicas.'),
    message: text(MAX_MESSAGE_LENGTH, 'What is wrong.'),
    severity: literals<Violation['severity']>({ Error: true, Warning: true, Info: true }),
    policy: optional(text(MAX_NAME_LENGTH, 'Name of the policy that says so.')),
    position: optional(text(512, 'file:line:col in the module.')),
  });
  return array(item, { description, maxItems: MAX_VIOLATIONS, listType: 'atomic' });
}

export function blockedBy(): Schema<string> {
  return text(MAX_MESSAGE_LENGTH, 'What is waited for: node, object, why, since when.');
}

const ownerReference: Schema<OwnerReference> = object<OwnerReference>({
  apiVersion: string(),
  kind: string(),
  name: string(),
  uid: string(),
  controller: optional(boolean()),
  blockOwnerDeletion: optional(boolean()),
});

const managedFieldsEntry: Schema<ManagedFieldsEntry> = object<ManagedFieldsEntry>({
  manager: optional(string()),
  operation: optional(literals<'Apply' | 'Update'>({ Apply: true, Update: true })),
  apiVersion: optional(string()),
  time: optional(string()),
  subresource: optional(string()),
  fieldsV1: optional(freeForm()),
});

/** Metadata of any object. The API server checks it in full; what is here is what the type says. */
export const OBJECT_META_SCHEMA: Schema<ObjectMeta> = object<ObjectMeta>(
  {
    name: string({ minLength: 1, maxLength: MAX_NAME_LENGTH }),
    namespace: optional(string({ maxLength: MAX_NAME_LENGTH })),
    uid: optional(string()),
    resourceVersion: optional(string()),
    generation: optional(integer()),
    creationTimestamp: optional(string()),
    deletionTimestamp: optional(string()),
    labels: optional(map<StringMap>(string())),
    annotations: optional(map<StringMap>(string())),
    finalizers: optional(array(string())),
    ownerReferences: optional(array(ownerReference)),
    managedFields: optional(array(managedFieldsEntry)),
  },
  { isOpen: true },
);

/** Any Kubernetes object, with all its fields. */
export const KUBE_OBJECT_SCHEMA: Schema<KubeObject> = object<KubeObject>(
  {
    apiVersion: string({ minLength: 1, maxLength: 317 }),
    kind: string({ minLength: 1, maxLength: 63 }),
    metadata: OBJECT_META_SCHEMA,
  },
  { isOpen: true, description: 'The object to apply.' },
);
