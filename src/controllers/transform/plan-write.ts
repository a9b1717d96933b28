// Phase "graph" under dryRun: what was rendered is stored as a candidate and named in the graph; the nodes that run stay
// as they are. `controllers/resourcegraph/plan` makes the plan, `plan-approval.ts` has it executed.
//
// Of the policies only two reach the running graph at once, since both only ever hold something back: `suspend`, and a
// change to `deletionPolicy: Orphan`. The others are part of what is approved.
import type { PlanPolicies, ResourceGraphSpec, Transform } from '../../api/index.ts';
import { canonicalJson, hashJson } from '../../json/index.ts';
import type { JsonPatchOperation } from '../../kube/index.ts';
import { candidateName, type RevisionContent } from '../../revisions/index.ts';
import { findCondition } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { type GraphPolicies, presentPolicies } from './graph-build.ts';
import { askForReconcile, setPolicies, takeOver } from './graph-patch.ts';
import { type GraphView, measureGraph, renderHashIn } from './graph-view.ts';
import type { GraphOutcome, GraphTask, WantedSpec } from './graph-write.ts';
import type { TransformMemory } from './memory.ts';
import { revisionOwner } from './revisions.ts';
import { reconcileToken } from './source.ts';

type PlanDependencies = Pick<TransformDependencies, 'revisions'>;

/** The writes of the graph that a plan comes with. */
export interface PlanCalls {
  readonly create: (spec: ResourceGraphSpec) => Promise<GraphView>;
  readonly patch: (graph: GraphView, changes: readonly JsonPatchOperation[]) => Promise<GraphView>;
  readonly isStillWanted: () => Promise<boolean>;
}

/** The fields of a graph that ask for a plan. */
interface PlanFields {
  readonly planRevision: string;
  readonly planPolicies: PlanPolicies;
}

/** Brings the candidate into the graph, or takes it out where there is nothing to plan. @throws as the API server answers */
export async function writePlan(
  deps: PlanDependencies,
  task: GraphTask,
  { spec: wanted, failure }: WantedSpec,
  policies: GraphPolicies,
  calls: PlanCalls,
  signal: AbortSignal,
): Promise<GraphOutcome> {
  const { graph, transform, relation } = task;
  const outcome = failure === undefined ? {} : { failure };
  if (graph === undefined) {
    if (wanted === undefined) return { graph, ...outcome };
    const planRevision = await deps.revisions.saveCandidate(revisionOwner(transform), wanted, signal);
    const fields: PlanFields = { planRevision, planPolicies: presentPolicies(policies) };
    return { graph: await calls.create({ ...placeholder(wanted, policies), ...fields }), ...outcome };
  }
  if (relation === 'lost' && !(await calls.isStillWanted())) return { graph: undefined };
  if (graph.spec === undefined) return { graph, ...outcome };
  const wish = failure === undefined ? wishOf(task, graph, wanted, policies) : 'as it is';
  const changes = [
    ...setPolicies(graph, atOnce(transform)),
    ...(typeof wish === 'object'
      ? setPlan(graph, await fieldsOf(deps, task, graph, wish, policies, signal))
      : []),
    ...(wish === 'none' ? clearPlan(graph) : []),
    ...(relation === 'lost' ? takeOver(graph, transform) : []),
    ...askForReconcile(graph, reconcileToken(transform)),
  ];
  const current = changes.length === 0 ? graph : await calls.patch(graph, changes);
  if (wish === 'none') await dropCandidates(deps, transform, graph, signal);
  return { graph: current, ...outcome };
}

/**
 * Hash of nodes that need not be rendered again, since they are stored: the candidate's, where it is the last render;
 * else those of the graph.
 */
export function hashAtHand(
  graph: GraphView | undefined,
  transform: Transform,
  memory: TransformMemory,
): string | undefined {
  const { rendered } = memory;
  if (transform.spec.dryRun === true && rendered !== undefined && graph !== undefined) {
    const name = candidateName(revisionOwner(transform), rendered.renderHash);
    if (graph.spec?.planRevision === name && !isCandidateBroken(graph)) return rendered.renderHash;
  }
  return renderHashIn(graph, memory);
}

/** Takes the plan out of the graph; empty where there is none. */
export function clearPlan(graph: GraphView): readonly JsonPatchOperation[] {
  const { planRevision, planPolicies, approvedPlan } = graph.spec ?? {};
  return Object.entries({ planRevision, planPolicies, approvedPlan }).flatMap(
    ([field, value]): readonly JsonPatchOperation[] =>
      value === undefined ? [] : [{ op: 'remove', path: `/spec/${field}` }],
  );
}

/** Removes what was stored for a plan that the graph had; a candidate that is left by a crash goes with the next. */
export async function dropCandidates(
  deps: PlanDependencies,
  transform: Transform,
  before: GraphView | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (before?.spec?.planRevision === undefined) return;
  await deps.revisions.removeCandidates(revisionOwner(transform), undefined, signal);
}

/** A candidate: its nodes where they are at hand, else the name under which they are stored. */
type Wish = { readonly content: RevisionContent; readonly renderHash: string } | { readonly stored: string };

/** What is to be planned: other nodes, other policies for those that run, nothing, or what is planned already. */
function wishOf(
  { render, memory }: GraphTask,
  graph: GraphView,
  wanted: ResourceGraphSpec | undefined,
  policies: GraphPolicies,
): Wish | 'as it is' | 'none' {
  if (wanted !== undefined) return { content: wanted, renderHash: wanted.metadata.renderHash };
  if (graph.spec === undefined || (render?.state !== 'known' && render?.state !== 'rendered'))
    return 'as it is';
  const { planRevision } = graph.spec;
  if (render.summary.renderHash !== renderHashIn(graph, memory))
    return planRevision === undefined ? 'as it is' : { stored: planRevision };
  if (setPolicies(graph, policies).length === 0) return 'none';
  return { content: graph.spec, renderHash: measureGraph(graph, graph.spec, memory).hash };
}

/** What the graph has to say of a plan; the candidate is stored before the graph names it. */
async function fieldsOf(
  deps: PlanDependencies,
  { transform }: GraphTask,
  graph: GraphView,
  wish: Wish,
  policies: GraphPolicies,
  signal: AbortSignal,
): Promise<PlanFields> {
  const planPolicies = presentPolicies(policies);
  if ('stored' in wish) return { planRevision: wish.stored, planPolicies };
  const isBroken = isCandidateBroken(graph);
  const name = candidateName(revisionOwner(transform), wish.renderHash);
  if (graph.spec?.planRevision === name && !isBroken) return { planRevision: name, planPolicies };
  // What is damaged has the name that the good one needs.
  if (isBroken) await deps.revisions.removeCandidates(revisionOwner(transform), undefined, signal);
  return {
    planRevision: await deps.revisions.saveCandidate(revisionOwner(transform), wish.content, signal),
    planPolicies,
  };
}

/** True where the graph controller can't use the candidate that the graph names. */
function isCandidateBroken({ status }: GraphView): boolean {
  const reason = findCondition(status?.conditions, 'Planned')?.reason;
  return reason === 'CandidateMissing' || reason === 'RevisionInvalid';
}

/** Names the candidate in the graph. An approval was given to the one before, and goes with it. */
function setPlan(graph: GraphView, fields: PlanFields): readonly JsonPatchOperation[] {
  const { planRevision, planPolicies, approvedPlan } = graph.spec ?? {};
  if (
    planRevision === fields.planRevision &&
    canonicalJson(planPolicies) === canonicalJson(fields.planPolicies)
  )
    return [];
  return [
    { op: 'add', path: '/spec/planRevision', value: fields.planRevision },
    { op: 'add', path: '/spec/planPolicies', value: fields.planPolicies },
    ...(approvedPlan === undefined ? [] : [{ op: 'remove' as const, path: '/spec/approvedPlan' }]),
  ];
}

/** Policies that only hold something back. */
function atOnce({ spec }: Transform): Partial<GraphPolicies> {
  const { suspend, deletionPolicy } = spec;
  return {
    suspend: suspend === true ? true : undefined,
    ...(deletionPolicy === 'Orphan' ? { deletionPolicy } : {}),
  };
}

/** A graph without nodes, for a Transform that has not been approved yet. */
function placeholder({ sourceRef, metadata }: ResourceGraphSpec, policies: GraphPolicies): ResourceGraphSpec {
  const { platformRef, renderedAt, digest } = metadata;
  // Without nodes there is nothing that could be adopted: that comes with the approval.
  const { adopt: _adopt, ...atFirst } = presentPolicies(policies);
  const nodes: ResourceGraphSpec['nodes'] = [];
  return {
    sourceRef,
    metadata: { platformRef, renderedAt, digest, renderHash: hashJson([...nodes]) },
    nodes,
    ...atFirst,
  };
}
