// Which rights are missing, and how that is said. Pure: reviews come in as values. A review may be incomplete, where
// an authoriser can't list its rules: then nothing is reported as missing, and the write itself decides.
import { type Resource, type RulesReview, resourceLabel } from '../kube/index.ts';
import { allows, type Verb } from './rules.ts';

/** What a write or a watch will need. */
export interface RightsNeed {
  readonly resource: Resource;
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string | undefined;
  /** The object, so that rules restricted to its name count. */
  readonly name?: string | undefined;
  readonly verbs: readonly Verb[];
}

/** A need of which only the verbs that are not allowed are left. */
export type MissingRight = RightsNeed;

/** The most kinds that a message lists. */
const MAX_LISTED = 20;

/** The part of `need` that a review of its namespace does not allow; nothing where the review is incomplete. */
export function missingIn(review: RulesReview, need: RightsNeed): MissingRight | undefined {
  if (review.isIncomplete) return undefined;
  const { group, plural } = need.resource;
  const verbs = need.verbs.filter((verb) => !allows(review.rules, { group, plural, verb, name: need.name }));
  return verbs.length === 0 ? undefined : { ...need, verbs };
}

/**
 * One line about all that is missing: `service account shop/default may not create, patch deployments.apps; delete
 * services in namespace shop`. Names of objects are left out: a right on a kind is what an administrator grants.
 */
export function describeMissing(
  namespace: string,
  serviceAccount: string,
  missing: readonly MissingRight[],
): string {
  const byKind = new Map<string, { where: string; label: string; verbs: Set<string> }>();
  for (const { resource, namespace: place, verbs } of missing) {
    const where = place === undefined ? 'at cluster scope' : `in namespace ${place}`;
    const label = resourceLabel(resource);
    const kind = getOrAdd(byKind, `${where}/${label}`, () => ({ where, label, verbs: new Set<string>() }));
    for (const verb of verbs) kind.verbs.add(verb);
  }
  const byPlace = new Map<string, Map<string, ReadonlySet<string>>>();
  for (const { where, label, verbs } of [...byKind.values()].slice(0, MAX_LISTED)) {
    getOrAdd(byPlace, where, () => new Map<string, ReadonlySet<string>>()).set(label, verbs);
  }
  const places = [...byPlace].map(([where, byResource]) => `${clauses(byResource)} ${where}`);
  const more = byKind.size > MAX_LISTED ? `, and ${byKind.size - MAX_LISTED} more` : '';
  return `service account ${namespace}/${serviceAccount} may not ${places.join('; ')}${more}`;
}

/** `create, patch deployments.apps, statefulsets.apps; delete services`: kinds that lack the same verbs go together. */
function clauses(byResource: ReadonlyMap<string, ReadonlySet<string>>): string {
  const byVerbs = new Map<string, string[]>();
  for (const [resource, verbs] of byResource) {
    getOrAdd(byVerbs, [...verbs].sort().join(', '), () => []).push(resource);
  }
  return [...byVerbs].map(([verbs, resources]) => `${verbs} ${resources.sort().join(', ')}`).join('; ');
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
