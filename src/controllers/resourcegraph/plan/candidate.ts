// The candidate of a plan, read with the operator's rights and not believed: it must belong to the graph's Transform,
// hold the nodes whose hash it names, and be a graph that could be executed.
import type { ResourceGraph } from '../../../api/index.ts';
import { TerminalError, WaitingError } from '../../../errors.ts';
import { buildPlan, type Plan } from '../../../graph/index.ts';
import { type RevisionOwner, RevisionStore } from '../../../revisions/index.ts';
import type { PassRun } from '../pass-prepare.ts';

/** A candidate as a graph that could run in the place of the one that does. */
export interface Candidate {
  readonly graph: ResourceGraph;
  readonly plan: Plan;
}

/** When to look again for a candidate that is not there; the write that brings it comes earlier. */
const MISSING_RETRY_MS = 30_000;

/**
 * The graph's candidate.
 * @throws WaitingError (`CANDIDATE_MISSING`) where it is gone; TerminalError where it can't be used
 */
export async function readCandidate(
  run: PassRun,
  name: string,
  policies: NonNullable<ResourceGraph['spec']['planPolicies']>,
  signal: AbortSignal,
): Promise<Candidate> {
  const { graph, key } = run;
  const owner: RevisionOwner = { ...key, uid: graph.spec.sourceRef.uid };
  const content = await new RevisionStore(run.operator).readCandidate(owner, name, signal);
  if (content === undefined) {
    throw new WaitingError(`the candidate ${name} does not exist`, {
      code: 'CANDIDATE_MISSING',
      reason: 'CandidateMissing',
      afterMs: MISSING_RETRY_MS,
    });
  }
  const spec = { sourceRef: graph.spec.sourceRef, ...content, ...policies };
  const built = buildPlan(content.nodes, { namespace: key.namespace, maxNodes: run.limits.maxNodes });
  if (built.ok) return { graph: { ...graph, spec }, plan: built.plan };
  throw new TerminalError(built.problems.map(({ message }) => message).join('; '), {
    code: 'INVALID_GRAPH',
    reason: 'InvalidGraph',
  });
}
