// What the API server serves: the aggregated documents where it has them (two requests, answered with 304 when nothing
// changed), else one document per group and version.
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import type { ApiAnswer } from './api-request.ts';
import type { Resource } from './resource.ts';

/** One group as served. */
export interface DiscoveredGroup {
  readonly name: string;
  /** Versions in the server's order: the first is the preferred one. */
  readonly versions: readonly string[];
  readonly resources: readonly Resource[];
  /** False where an aggregated API server did not answer: what is missing here may exist all the same. */
  readonly isCurrent: boolean;
}

/** One document and what it was read from, to ask only for changes. */
interface Document {
  readonly etag: string | undefined;
  readonly groups: readonly DiscoveredGroup[];
}

export interface DiscoveryCache {
  readonly core: Document | undefined;
  readonly named: Document | undefined;
}

type Fetch = (
  path: string,
  options: { readonly accept: string; readonly etag?: string | undefined },
) => Promise<Pick<ApiAnswer, 'value' | 'etag'>>;

const LEGACY = 'application/json';
const AGGREGATED = `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,${LEGACY}`;

/** Reads both roots, sparing what has not changed since `known`. */
export async function discover(fetch: Fetch, known: DiscoveryCache | undefined): Promise<DiscoveryCache> {
  const [core, named] = await Promise.all([
    readRoot(fetch, '/api', known?.core),
    readRoot(fetch, '/apis', known?.named),
  ]);
  return { core, named };
}

export function groupsOf(cache: DiscoveryCache): readonly DiscoveredGroup[] {
  return [...(cache.core?.groups ?? []), ...(cache.named?.groups ?? [])];
}

async function readRoot(
  fetch: Fetch,
  path: '/api' | '/apis',
  known: Document | undefined,
): Promise<Document> {
  const { value, etag } = await fetch(path, { accept: AGGREGATED, etag: known?.etag });
  if (value === undefined && known !== undefined) return known;
  const root = isJsonObject(value) ? value : {};
  if (root['kind'] === 'APIGroupDiscoveryList') {
    return { etag, groups: objects(root['items']).map(aggregatedGroup) };
  }
  const names = path === '/api' ? [coreVersions(root)] : objects(root['groups']).map(groupVersions);
  const groups = await Promise.all(names.map((group) => readLegacyGroup(fetch, group, known)));
  return { etag: undefined, groups };
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return isJsonArray(value) ? value.filter(isJsonObject) : [];
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function strings(value: JsonValue | undefined): readonly string[] {
  return isJsonArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function aggregatedGroup(item: JsonObject): DiscoveredGroup {
  const name = isJsonObject(item['metadata']) ? text(item['metadata']['name']) : '';
  const versions = objects(item['versions']);
  return {
    name,
    versions: versions.map((version) => text(version['version'])),
    resources: versions.flatMap((version) =>
      objects(version['resources']).map((resource) => ({
        group: name,
        version: text(version['version']),
        kind: isJsonObject(resource['responseKind']) ? text(resource['responseKind']['kind']) : '',
        plural: text(resource['resource']),
        namespaced: resource['scope'] === 'Namespaced',
        verbs: strings(resource['verbs']),
      })),
    ),
    isCurrent: versions.every((version) => version['freshness'] !== 'Stale'),
  };
}

interface GroupVersions {
  readonly name: string;
  readonly versions: readonly string[];
}

function coreVersions(root: JsonObject): GroupVersions {
  return { name: '', versions: strings(root['versions']) };
}

function groupVersions(group: JsonObject): GroupVersions {
  const versions = objects(group['versions']).map((version) => text(version['version']));
  const preferred = group['preferredVersion'];
  const first = isJsonObject(preferred) ? text(preferred['version']) : '';
  return {
    name: text(group['name']),
    versions: [
      ...versions.filter((version) => version === first),
      ...versions.filter((version) => version !== first),
    ],
  };
}

/** A group that does not answer keeps what was known of it: one broken aggregated server must not hide the others. */
async function readLegacyGroup(
  fetch: Fetch,
  group: GroupVersions,
  known: Document | undefined,
): Promise<DiscoveredGroup> {
  try {
    const lists = await Promise.all(
      group.versions.map((version) => readLegacyVersion(fetch, group.name, version)),
    );
    return { ...group, resources: lists.flat(), isCurrent: true };
  } catch {
    const resources = known?.groups.find((other) => other.name === group.name)?.resources ?? [];
    return { ...group, resources, isCurrent: false };
  }
}

async function readLegacyVersion(fetch: Fetch, group: string, version: string): Promise<readonly Resource[]> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const { value } = await fetch(path, { accept: LEGACY });
  return objects(isJsonObject(value) ? value['resources'] : undefined)
    .filter((resource) => !text(resource['name']).includes('/'))
    .map((resource) => ({
      group,
      version,
      kind: text(resource['kind']),
      plural: text(resource['name']),
      namespaced: resource['namespaced'] === true,
      verbs: strings(resource['verbs']),
    }));
}
