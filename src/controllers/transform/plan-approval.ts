// Phase "approval", before anything is fetched or rendered: what was shown is what is carried out, wherever the module
// has moved since. The steps, and what a crash between them leaves, are told in `controllers/resourcegraph/plan`.
import {
  APPROVE_ANNOTATION,
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  type ResourceGraphSpec,
  type Transform,
} from '../../api/index.ts';
import { TerminalError } from '../../errors.ts';
import { escapePointerSegment } from '../../json/index.ts';
import { keyOf, TRANSFORMS } from '../../kube/index.ts';
import { findCondition, type ReconcileContext } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { revisionSpec } from './graph-build.ts';
import { guarded } from './graph-patch.ts';
import { type GraphView, relationOf, viewGraph } from './graph-view.ts';
import { type GraphTask, patchGraph, replaceGraph } from './graph-write.ts';
import { wantedRevision } from './pins.ts';
import { dropCandidates } from './plan-write.ts';
import { revisionOwner } from './revisions.ts';

type ApprovalDependencies = Pick<
  TransformDependencies,
  'graphs' | 'limits' | 'now' | 'operator' | 'revisions' | 'tenancy' | 'transforms'
>;

/** The Transform that a pass is about. */
export interface ApprovalPass extends Pick<GraphTask, 'isNew' | 'memory' | 'transform'> {
  readonly object: KubeObject;
}

/**
 * Takes an approval one step further. While one is on its way nothing else is: neither source nor render may change what
 * was approved.
 * @returns the graph while an approval is under way; `again` where the Transform was written; undefined where there is
 * no approval to follow
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function followApproval(
  deps: ApprovalDependencies,
  { object, ...pass }: ApprovalPass,
  { log, signal }: Pick<ReconcileContext, 'log' | 'signal'>,
): Promise<GraphView | 'again' | undefined> {
  const { transform } = pass;
  const { namespace, name } = transform.metadata;
  const stored = transform.spec.dryRun === true ? deps.graphs.get(namespace, name) : undefined;
  const graph = stored === undefined ? undefined : viewGraph(stored);
  if (graph?.spec?.planRevision === undefined || relationOf(graph, transform) !== 'ours') return undefined;
  const task = { ...pass, graph, relation: 'ours', resolution: undefined, render: undefined } as const;
  const asked = approvalOf(transform);
  const { approvedPlan } = graph.spec;
  if (approvedPlan !== undefined && approvedPlan === asked) return await spend(deps, object, signal);
  if (approvedPlan !== undefined) return await carryOut(deps, task, graph, graph.spec, { log, signal });
  if (asked === undefined || asked !== shownHash(graph)) return undefined;
  log.info({ plan: asked }, 'plan is approved');
  const change = { op: 'add', path: '/spec/approvedPlan', value: asked } as const;
  return await patchGraph(deps, task, graph, [change], signal);
}

/** The hash that a person approved. */
export function approvalOf({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  return metadata.annotations?.[APPROVE_ANNOTATION];
}

/** Hash of the plan of this very graph and candidate; undefined while there is none. */
export function shownHash({ spec, status, generation }: GraphView): string | undefined {
  const isSeen = findCondition(status?.conditions, 'Planned')?.observedGeneration === generation;
  return isSeen && status?.plan?.candidate === spec?.planRevision ? status?.plan?.hash : undefined;
}

/** The approval is in the graph by now: it is spent. */
async function spend(deps: ApprovalDependencies, object: KubeObject, signal: AbortSignal): Promise<'again'> {
  const path = `/metadata/annotations/${escapePointerSegment(APPROVE_ANNOTATION)}`;
  const patched = await deps.operator.jsonPatch(
    TRANSFORMS,
    keyOf(object),
    guarded(object, [{ op: 'remove', path }]),
    { fieldManager: OPERATOR_FIELD_MANAGER },
    signal,
  );
  deps.transforms.observeOwnWrite(patched);
  return 'again';
}

/** Puts the candidate in the graph's place once the graph controller has confirmed the plan; or forgets the approval. */
async function carryOut(
  deps: ApprovalDependencies,
  task: GraphTask,
  graph: GraphView,
  spec: ResourceGraphSpec,
  { log, signal }: Pick<ReconcileContext, 'log' | 'signal'>,
): Promise<GraphView> {
  const { transform } = task;
  if (findCondition(graph.status?.conditions, 'Planned')?.observedGeneration !== graph.generation)
    return graph;
  const wanted = await confirmedSpec(deps, transform, graph, spec, signal);
  if (wanted === undefined) {
    log.info({ plan: spec.approvedPlan }, 'approved plan is outdated and not carried out');
    return await patchGraph(deps, task, graph, [{ op: 'remove', path: '/spec/approvedPlan' }], signal);
  }
  log.info({ plan: spec.approvedPlan }, 'approved plan is carried out');
  const pinned = await pinnedAs(deps, transform, wanted, signal);
  const replaced = await replaceGraph(deps, { ...task, pinned }, graph, wanted, signal);
  await dropCandidates(deps, transform, graph, signal);
  return replaced;
}

/** The revision that the graph is, where an earlier one was planned: it runs under its own number. */
async function pinnedAs(
  deps: Pick<ApprovalDependencies, 'revisions'>,
  transform: Transform,
  { metadata }: ResourceGraphSpec,
  signal: AbortSignal,
): Promise<GraphTask['pinned']> {
  const number = wantedRevision(transform, undefined)?.revision;
  if (number === undefined) return undefined;
  const content = await deps.revisions.read(revisionOwner(transform), number, signal);
  return content?.metadata.renderHash === metadata.renderHash ? { number, content } : undefined;
}

/** The graph that was planned, if it is the one whose plan was approved and confirmed. */
async function confirmedSpec(
  deps: Pick<ApprovalDependencies, 'revisions'>,
  transform: Transform,
  graph: GraphView,
  { approvedPlan, planRevision, planPolicies }: ResourceGraphSpec,
  signal: AbortSignal,
): Promise<ResourceGraphSpec | undefined> {
  const plan = graph.status?.plan;
  if (planRevision === undefined || planPolicies === undefined) return undefined;
  if (plan?.isConfirmed !== true || shownHash(graph) !== approvedPlan) return undefined;
  try {
    const content = await deps.revisions.readCandidate(revisionOwner(transform), planRevision, signal);
    if (content?.metadata.renderHash !== plan.renderHash) return undefined;
    return revisionSpec(transform, content, planPolicies);
  } catch (error) {
    // Damaged or forged: the graph controller says so, and nothing of it runs.
    if (error instanceof TerminalError) return undefined;
    throw error;
  }
}
