import { expect, it } from 'vitest';
import { whyNotPruned } from './prune-gate.ts';

const nodes = [{ id: 'db' }, { id: 'app' }];
const applied = { db: { phase: 'Ready' }, app: { phase: 'Applied' } } as const;

it('opens when every node is applied, unless the graph waits until they are ready', () => {
  const question = { nodes, statuses: applied, isFullyApplied: true };
  expect(whyNotPruned({ ...question, policy: undefined })).toBeUndefined();
  expect(whyNotPruned({ ...question, policy: 'AfterApplied' })).toBeUndefined();
  expect(whyNotPruned({ ...question, policy: 'AfterReady' })).toMatchObject({
    reason: 'WaitingForReady',
    message: expect.stringContaining('node app'),
  });
  const statuses = { db: { phase: 'Ready' }, app: { phase: 'Ready' } } as const;
  expect(whyNotPruned({ ...question, statuses, policy: 'AfterReady' })).toBeUndefined();
});

it('names the node that failed, before what merely waits', () => {
  const statuses = { db: { phase: 'Pending' }, app: { phase: 'Error' } } as const;
  const question = { nodes, isFullyApplied: false, policy: undefined };
  expect(whyNotPruned({ ...question, statuses })).toMatchObject({ reason: 'NodeFailed' });
  expect(whyNotPruned({ ...question, statuses: {} })).toMatchObject({ reason: 'WaitingForNodes' });
});
