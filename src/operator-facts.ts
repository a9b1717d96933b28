// What the operator asks about itself and its cluster, once, when it starts.
import type { NamespacedName } from './api/index.ts';
import { isJsonObject } from './json/index.ts';
import {
  isForbidden,
  isKindNotServed,
  type OperatorClient,
  type Resource,
  type RestMapper,
} from './kube/index.ts';
import type { ClusterFacts } from './render/index.ts';

const SELF_SUBJECT_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
};

/** The operator's own ServiceAccount, which no tenant may name; undefined where it runs as another kind of user. */
export async function readOwnIdentity(
  operator: OperatorClient,
  signal: AbortSignal,
): Promise<NamespacedName | undefined> {
  try {
    const review = await operator.create(
      SELF_SUBJECT_REVIEWS,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: { name: '' } },
      {},
      signal,
    );
    const status = review['status'];
    const user =
      isJsonObject(status) && isJsonObject(status['userInfo']) ? status['userInfo']['username'] : undefined;
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(user ?? '')) ?? [];
    return namespace === undefined || name === undefined ? undefined : { namespace, name };
  } catch (error) {
    // Every authenticated user may ask, unless an administrator took that away.
    if (isForbidden(error) || isKindNotServed(error)) return undefined;
    throw error;
  }
}

/** Version and API versions, for the `context` of modules. */
export async function readClusterFacts(
  operator: OperatorClient,
  mapper: RestMapper,
  signal: AbortSignal,
): Promise<ClusterFacts> {
  const { value } = await operator.discover('/version', { accept: 'application/json' }, signal);
  const version = isJsonObject(value) && typeof value['gitVersion'] === 'string' ? value['gitVersion'] : '';
  return { version, apiVersions: await mapper.apiVersions(signal) };
}
