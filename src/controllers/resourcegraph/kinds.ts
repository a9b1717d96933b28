// The kinds that a pass is about: those of its nodes, of its inventory, and, where the inventory has to be rebuilt, those
// that the graph announces. Each is watched before anything is done with it.
import { type GroupVersionKind, gvkOf, type InventoryItem, type NamespacedName } from '../../api/index.ts';
import { WaitingError } from '../../errors.ts';
import { gvkKey, type Resource, type RestMapper } from '../../kube/index.ts';
import type { Aside } from '../../runtime/index.ts';
import type { Children } from './children.ts';
import { describeKind, gvkOfItem } from './inventory.ts';
import { resolveInAnyVersion } from './served-kind.ts';
import type { Targets } from './targets.ts';

/** Reason of a node whose kind the API server does not serve. */
export const KIND_NOT_SERVED = 'KindNotServed' as const;
/** When to ask again for a kind that is not served. */
const UNSERVED_RETRY_MS = 30_000;

export interface KindsRequest {
  readonly key: NamespacedName;
  readonly targets: Targets;
  readonly items: readonly InventoryItem[];
  /** Kinds that objects may be found of, without a version. */
  readonly announced: readonly { readonly group: string; readonly kind: string }[];
  readonly mapper: RestMapper;
  readonly children: Pick<Children, 'release' | 'watch'>;
  /** Others work meanwhile: the first list of a kind takes as long as whoever serves it likes. */
  readonly aside: Aside;
}

/** A kind that can't be worked on now. */
export interface KindProblem {
  readonly kind: GroupVersionKind;
  readonly error: unknown;
}

export interface WatchedKinds {
  /** Nodes whose kind can't be worked on now, and why. */
  readonly unavailable: ReadonlyMap<string, unknown>;
  readonly problems: readonly KindProblem[];
}

/** Watches what has to be watched, and says what can't be. */
export async function watchKinds(request: KindsRequest, signal: AbortSignal): Promise<WatchedKinds> {
  const kinds = new Map<string, GroupVersionKind>();
  for (const { planNode } of request.targets.values()) add(kinds, gvkOf(planNode.object));
  for (const item of request.items) add(kinds, gvkOfItem(item));
  const known = new Set([...kinds.values()].map(groupKind));
  for (const announced of request.announced) {
    if (known.has(groupKind(announced))) continue;
    const { group, kind } = announced;
    const preferred = { group, version: request.mapper.preferredVersion(group) ?? 'v1', kind };
    add(kinds, (await resolveInAnyVersion(request.mapper, preferred, signal)) ?? preferred);
  }
  const checks = [...kinds.values()].map(async (kind): Promise<KindProblem | undefined> => {
    const error = await watchKind(request, kind, signal);
    return error === undefined ? undefined : { kind, error };
  });
  const problems = (await request.aside(Promise.all(checks))).filter((problem) => problem !== undefined);
  const problemOf = new Map(problems.map(({ kind, error }) => [gvkKey(kind), error]));
  request.children.release(request.key, new Set(kinds.keys()));
  const unavailable = new Map<string, unknown>();
  for (const [id, { planNode }] of request.targets) {
    const problem = problemOf.get(gvkKey(gvkOf(planNode.object)));
    if (problem !== undefined) unavailable.set(id, problem);
  }
  return { unavailable, problems };
}

function add(kinds: Map<string, GroupVersionKind>, { group, version, kind }: GroupVersionKind): void {
  kinds.set(gvkKey({ group, version, kind }), { group, version, kind });
}

function groupKind({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return `${group}/${kind}`;
}

async function watchKind(
  request: KindsRequest,
  kind: GroupVersionKind,
  signal: AbortSignal,
): Promise<unknown> {
  const resource: Resource | undefined = await request.mapper.resolve(kind, signal);
  if (resource === undefined) return kindNotServed(kind);
  try {
    await request.children.watch(request.key, resource, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error;
  }
}

/** The node waits for its kind. */
export function kindNotServed(kind: GroupVersionKind): WaitingError {
  return new WaitingError(`the API server does not serve ${describeKind(kind)}`, {
    code: 'KIND_NOT_SERVED',
    reason: KIND_NOT_SERVED,
    afterMs: UNSERVED_RETRY_MS,
  });
}
