// Missing rights are found before the first write and reported as one message.
import type { NamespacedName, ResourceGraph, ResourceGraphStatus } from '../../api/index.ts';
import { WaitingError } from '../../errors.ts';
import type { NodeInput } from '../../graph/index.ts';
import { findCondition } from '../../runtime/index.ts';
import {
  describeMissing,
  type RightsNeed,
  SERVICE_ACCOUNT_MISSING,
  type Tenancy,
  type Verb,
} from '../../tenancy/index.ts';
import type { Targets } from './targets.ts';

/** How often rights that are missing are looked for again. */
const RIGHTS_RETRY_MS = 15_000;
const APPLY_VERBS: readonly Verb[] = ['get', 'create', 'patch'];

export interface RightsRequest {
  readonly key: NamespacedName;
  readonly graph: ResourceGraph;
  readonly tenancy: Tenancy;
}

/**
 * Checks that the graph's ServiceAccount may do what the nodes need, deletion included where it will come to that.
 * @throws WaitingError (`RIGHTS_MISSING`) that names every missing verb.
 */
export async function requireRights(
  request: RightsRequest,
  targets: Targets,
  inputs: ReadonlyMap<string, NodeInput>,
  signal: AbortSignal,
): Promise<void> {
  const { key, graph, tenancy } = request;
  const needs = new Map<string, RightsNeed>();
  for (const [id, { resource, deletion, planNode }] of targets) {
    if (resource === undefined || inputs.get(id)?.work === 'none') continue;
    const isDeleted = deletion === 'Delete' || planNode.node.applyPolicy?.recreate === 'OnImmutable';
    const verbs: readonly Verb[] = isDeleted ? [...APPLY_VERBS, 'delete'] : APPLY_VERBS;
    needs.set(`${resource.group}/${resource.plural}/${verbs.length}`, {
      resource,
      namespace: key.namespace,
      verbs,
    });
  }
  const serviceAccount = graph.spec.serviceAccountName;
  const missing = await tenancy.missingRights(key.namespace, serviceAccount, [...needs.values()], signal);
  if (missing.length === 0) return;
  // What an administrator grants now counts at the next look.
  tenancy.forget(key.namespace, serviceAccount);
  throw new WaitingError(describeMissing(key.namespace, serviceAccount, missing), {
    code: 'RIGHTS_MISSING',
    reason: 'Forbidden',
    afterMs: RIGHTS_RETRY_MS,
  });
}

/**
 * A ServiceAccount that a new generation names has to exist, also where there is nothing to do for it now.
 * @throws as `Tenancy.clientFor`
 */
export async function requireServiceAccount(
  { key, graph, tenancy }: RightsRequest,
  { observedGeneration, conditions }: ResourceGraphStatus,
  signal: AbortSignal,
): Promise<void> {
  const wasMissing = findCondition(conditions, 'Ready')?.reason === SERVICE_ACCOUNT_MISSING;
  if (observedGeneration === graph.metadata.generation && !wasMissing) return;
  await tenancy.clientFor(key.namespace, graph.spec.serviceAccountName, signal);
}
