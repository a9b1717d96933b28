// What Ready says of a Transform that is only planned.
import { APPROVE_ANNOTATION, type Transform } from '../../api/index.ts';
import { findCondition } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import type { GraphView } from './graph-view.ts';
import { approvalOf, shownHash } from './plan-approval.ts';

/** Reasons that another pass of the graph controller or time mend. */
const PASSING: ReadonlySet<string> = new Set(['CandidateMissing', 'RevisionInvalid']);

/** The verdict while the graph has a candidate; undefined where there is nothing to approve. */
export function planVerdict(transform: Transform, graph: GraphView): Verdict | undefined {
  if (transform.spec.dryRun !== true || graph.spec?.planRevision === undefined) return undefined;
  const { approvedPlan } = graph.spec;
  if (approvedPlan !== undefined) {
    const message = `plan ${approvedPlan} is approved and is checked once more`;
    return { status: 'False', reason: 'PlanApproved', message, progress: 'reconciling' };
  }
  const planned = findCondition(graph.status?.conditions, 'Planned');
  if (planned?.observedGeneration !== graph.generation) {
    const message = 'the plan is being made; nothing is changed before it is approved';
    return { status: 'False', reason: 'Planning', message, progress: 'reconciling' };
  }
  const hash = shownHash(graph);
  if (hash === undefined) {
    const progress = PASSING.has(planned.reason) ? 'reconciling' : 'stalled';
    const message = `there is no plan: ${planned.message}`;
    return { status: 'False', reason: planned.reason, message, progress };
  }
  const invitation = `approve with ${APPROVE_ANNOTATION}: ${hash}`;
  const asked = approvalOf(transform);
  if (asked !== undefined && asked !== hash) {
    const message = `${APPROVE_ANNOTATION} names a plan that is not the current one, nothing was done; planned: ${planned.message}; ${invitation}`;
    return { status: 'False', reason: 'ApprovalMismatch', message, progress: 'settled' };
  }
  const isOutdated = planned.status !== 'True';
  const message = isOutdated
    ? `${planned.message}; ${invitation}`
    : `planned: ${planned.message}; ${invitation}`;
  const reason = isOutdated ? planned.reason : 'AwaitingApproval';
  return { status: 'False', reason, message, progress: 'settled' };
}
