// What is left in an object that holds others: the instances of a CustomResourceDefinition, the objects of a Namespace.
// Deleting the holder would take them along without a word, so that it stays while there is any. What can't be looked at
// counts as something. Looked at only right before such an object would be deleted.
import type { KubeObject } from '../api/index.ts';
import type { Hold } from '../graph/index.ts';
import { isJsonArray, isJsonObject } from '../json/index.ts';
import { isForbidden, isKindNotServed, type Resource, type TenantClient } from '../kube/index.ts';

export interface ContentsQuestion {
  readonly client: TenantClient;
  readonly resource: Resource;
  readonly live: KubeObject;
  /** Undefined where not every kind is known. */
  readonly namespacedKinds: (signal: AbortSignal) => Promise<readonly Resource[] | undefined>;
}

/** Most kinds that are looked through in a namespace; with more of them it stays. */
const MAX_KINDS = 500;
/** Kinds looked at together. */
const KINDS_AT_A_TIME = 8;
const PAGE_SIZE = 50;

/** What every namespace has, or what others make of its objects. */
const INCIDENTAL: ReadonlySet<string> = new Set([
  '/Endpoints',
  '/Event',
  'discovery.k8s.io/EndpointSlice',
  'events.k8s.io/Event',
]);

export function holdsOthers({ group, kind }: Pick<Resource, 'group' | 'kind'>): boolean {
  return (
    isNamespace({ group, kind }) || (group === 'apiextensions.k8s.io' && kind === 'CustomResourceDefinition')
  );
}

function isNamespace({ group, kind }: Pick<Resource, 'group' | 'kind'>): boolean {
  return group === '' && kind === 'Namespace';
}

/** Why the object stays: what it holds, or what can't be seen; undefined where it is empty. */
export async function findContents(
  question: ContentsQuestion,
  signal: AbortSignal,
): Promise<Hold | undefined> {
  return isNamespace(question.resource)
    ? await contentsOfNamespace(question, signal)
    : await instancesOf(question, signal);
}

async function instancesOf(
  { client, live }: ContentsQuestion,
  signal: AbortSignal,
): Promise<Hold | undefined> {
  const resource = definedResource(live);
  if (resource === undefined)
    return unknown('none of its versions is served, so that its objects can not be seen');
  return await firstOf(client, resource, undefined, signal);
}

/** The kind that a CustomResourceDefinition defines, in a version that is served. */
function definedResource(definition: KubeObject): Resource | undefined {
  const spec = definition['spec'];
  if (!isJsonObject(spec) || !isJsonObject(spec['names']) || !isJsonArray(spec['versions'])) return undefined;
  const { group, scope } = spec;
  const { kind, plural } = spec['names'];
  const served = spec['versions'].filter(isJsonObject).find((version) => version['served'] === true);
  const version = served?.['name'];
  if (typeof group !== 'string' || typeof kind !== 'string' || typeof plural !== 'string') return undefined;
  if (typeof version !== 'string') return undefined;
  return { group, version, kind, plural, namespaced: scope === 'Namespaced', verbs: ['list'] };
}

async function contentsOfNamespace(
  { client, live, namespacedKinds }: ContentsQuestion,
  signal: AbortSignal,
): Promise<Hold | undefined> {
  const known = await namespacedKinds(signal);
  if (known === undefined) return unknown('not every API group answers, so that its objects can not be seen');
  const kinds = known.filter(({ group, kind }) => !INCIDENTAL.has(`${group}/${kind}`));
  if (kinds.length > MAX_KINDS) return unknown(`${kinds.length} kinds are too many to look through`);
  for (let at = 0; at < kinds.length; at += KINDS_AT_A_TIME) {
    const some = kinds.slice(at, at + KINDS_AT_A_TIME);
    const holds = await Promise.all(some.map((kind) => firstOf(client, kind, live.metadata.name, signal)));
    const hold = holds.find((each) => each !== undefined);
    if (hold !== undefined) return hold;
  }
  return undefined;
}

/** The first object that is there in its own right. What another object owns goes with its owner, which counts itself. */
async function firstOf(
  client: TenantClient,
  resource: Resource,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Hold | undefined> {
  const options = { ...(namespace === undefined ? {} : { namespace }), pageSize: PAGE_SIZE };
  try {
    for await (const { items } of client.list(resource, options, signal)) {
      const found = items.find((object) => namespace === undefined || isOfItsOwn(object));
      if (found === undefined) continue;
      const place = found.metadata.namespace === undefined ? '' : `${found.metadata.namespace}/`;
      const message = `is kept: it holds ${resource.kind} ${place}${found.metadata.name}`;
      return { reason: 'InUse', message };
    }
    return undefined;
  } catch (error) {
    // A kind that went meanwhile took its objects along.
    if (isKindNotServed(error)) return undefined;
    if (isForbidden(error)) return unknown(`no right to list ${resource.plural} in it`);
    throw error;
  }
}

function isOfItsOwn({ kind, metadata }: KubeObject): boolean {
  if ((metadata.ownerReferences ?? []).length > 0) return false;
  if (kind === 'ConfigMap') return metadata.name !== 'kube-root-ca.crt';
  return kind !== 'ServiceAccount' || metadata.name !== 'default';
}

function unknown(why: string): Hold {
  return { reason: 'Unknown', message: `is kept: ${why}` };
}
