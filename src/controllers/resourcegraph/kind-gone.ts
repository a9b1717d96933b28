// Whether a kind has gone for good, its objects with it. Discovery that lacks a kind proves nothing while it is old or
// while the server behind a group does not answer.
import type { GroupVersionKind, KubeObject } from '../../api/index.ts';
import { WaitingError } from '../../errors.ts';
import { isJsonObject } from '../../json/index.ts';
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type OperatorClient,
  type Resource,
  type RestMapper,
} from '../../kube/index.ts';
import { describeKind } from './inventory.ts';
import { KIND_NOT_SERVED } from './kinds.ts';
import { resolveInAnyVersion } from './served-kind.ts';

const UNCERTAIN_RETRY_MS = 15_000;

export interface KindSources {
  readonly mapper: RestMapper;
  readonly operator: OperatorClient;
}

/** True only if fresh discovery lacks the kind in every version and no CustomResourceDefinition defines it. */
export async function isKindGone(
  sources: KindSources,
  kind: GroupVersionKind,
  signal: AbortSignal,
): Promise<boolean> {
  sources.mapper.invalidate();
  if ((await resolveInAnyVersion(sources.mapper, kind, signal)) !== undefined) return false;
  if (!sources.mapper.isFresh(kind.group)) return false;
  for await (const page of sources.operator.list(CUSTOM_RESOURCE_DEFINITIONS, {}, signal)) {
    if (page.items.some((crd) => defines(crd, kind))) return false;
  }
  return true;
}

function defines(crd: KubeObject, kind: { readonly group: string; readonly kind: string }): boolean {
  const spec = crd['spec'];
  if (!isJsonObject(spec) || spec['group'] !== kind.group) return false;
  const names = spec['names'];
  return isJsonObject(names) && names['kind'] === kind.kind;
}

/**
 * The resource to remove an object of this kind with; undefined where the kind has gone for good, its objects with it.
 * @throws WaitingError (`KIND_UNCERTAIN`) where neither is known.
 */
export async function resourceForRemoval(
  sources: KindSources,
  kind: GroupVersionKind,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const resource = await resolveInAnyVersion(sources.mapper, kind, signal);
  if (resource !== undefined || (await isKindGone(sources, kind, signal))) return resource;
  throw new WaitingError(
    `${describeKind(kind)} is not served, and whether its objects are gone is not known`,
    {
      code: 'KIND_UNCERTAIN',
      reason: KIND_NOT_SERVED,
      afterMs: UNCERTAIN_RETRY_MS,
    },
  );
}
