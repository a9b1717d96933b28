// What executing a candidate would do, as both kinds report it.
import { array, boolean, literals, object, optional, type Schema, string } from '../schema/index.ts';
import type { ExecutionPlan, PlanAction, PlanChange, PlanItem } from '../transform.ts';
import { MAX_MESSAGE_LENGTH, MAX_NAME_LENGTH, text } from './common.ts';

/** Most items of a plan that a status lists. */
export const MAX_PLAN_ITEMS = 200;
/** Most changes that one item lists. */
export const MAX_PLAN_CHANGES = 32;
/** Longest value in a change. */
export const MAX_PLAN_VALUE_LENGTH = 256;

const change: Schema<PlanChange> = object<PlanChange>({
  path: text(512, 'As the API server names fields, e.g. .spec.replicas.'),
  from: optional(text(MAX_PLAN_VALUE_LENGTH, 'What is there; absent where nothing is.')),
  to: optional(text(MAX_PLAN_VALUE_LENGTH, 'What it would be; absent where it would go.')),
});

const item: Schema<PlanItem> = object<PlanItem>({
  action: literals<PlanAction>(
    {
      Adopt: true,
      Change: true,
      Create: true,
      Error: true,
      Keep: true,
      Prune: true,
      Recreate: true,
      Wait: true,
    },
    { description: 'What would be done with the object.' },
  ),
  nodeId: text(63, 'Node that it is or was.'),
  apiVersion: string({ minLength: 1, maxLength: 317 }),
  kind: string({ minLength: 1, maxLength: 63 }),
  namespace: optional(text(MAX_NAME_LENGTH, 'Absent for cluster-scoped objects.')),
  name: text(MAX_NAME_LENGTH, 'Empty while it is not known.'),
  uid: optional(text(64, 'Of the live object.')),
  changes: optional(
    array(change, {
      description: 'What would change; values of Secrets are masked.',
      maxItems: MAX_PLAN_CHANGES,
      listType: 'atomic',
    }),
  ),
  message: optional(text(MAX_MESSAGE_LENGTH, 'Why, where the action does not say it.')),
});

/** `status.plan`. */
export function executionPlan(): Schema<ExecutionPlan> {
  return object<ExecutionPlan>(
    {
      hash: text(128, 'What pequod.io/approve has to say to have exactly this done.'),
      candidate: text(MAX_NAME_LENGTH, 'The ControllerRevision that holds the candidate.'),
      renderHash: text(128, "Hash of the candidate's nodes."),
      basis: text(128, 'Hash of what the plan was made from.'),
      isConfirmed: optional(
        boolean({ description: 'It was approved, and was the same when it was checked after that.' }),
      ),
      items: array(item, { maxItems: MAX_PLAN_ITEMS, listType: 'atomic' }),
      isTruncated: optional(boolean({ description: 'There are more items than are listed.' })),
    },
    { description: 'What executing the candidate would do.', mapType: 'atomic' },
  );
}
