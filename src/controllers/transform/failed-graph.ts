// Phase "pin", after a failure: a graph that never became ready gives way to the newest revision that ever was.
import type { RevisionPin } from '../../api/index.ts';
import { TerminalError } from '../../errors.ts';
import { PROGRESS_DEADLINE_EXCEEDED } from '../../graph/index.ts';
import { readyOnes } from '../../revisions/index.ts';
import { findCondition } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { type Findings, isGraphCurrent } from './findings.ts';
import type { GraphView } from './graph-view.ts';
import { type PinRun, recordPin } from './pins.ts';
import { revisionOwner, wasReady } from './revisions.ts';

type RollbackDependencies = Pick<TransformDependencies, 'operator' | 'revisions' | 'transforms'>;

/** Failures that may pass without a change of spec or module: for these the progress deadline decides. */
const PASSING: ReadonlySet<string> = new Set([
  'KindNotServed',
  'KindNotWatched',
  'KindTerminating',
  'NamespaceMissing',
  'ObjectTerminating',
  'ServiceAccountMissing',
  'Waiting',
]);

/** True where the graph was never ready as it is, and is late or can't become so. */
export function hasFailed(graph: GraphView): boolean {
  const { generation, status } = graph;
  if (status?.observedGeneration !== generation || wasReady(graph)) return false;
  const ready = findCondition(status.conditions, 'Ready');
  if (ready?.reason === PROGRESS_DEADLINE_EXCEEDED) return true;
  const isStalled = findCondition(status.conditions, 'Stalled')?.status === 'True';
  return status.phase === 'Failed' && isStalled && !PASSING.has(ready?.reason ?? '');
}

/**
 * Pins the newest revision that was ever ready, where the Transform asks for that and what it rendered to has failed.
 * @returns `again` where it did; `noWayBack` where there is no such revision
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function rollBackFailed(
  deps: RollbackDependencies,
  run: PinRun,
  findings: Findings,
  signal: AbortSignal,
): Promise<'again' | 'noWayBack' | undefined> {
  const { transform, memory } = run.task;
  const { graph, resolution } = findings;
  if (transform.spec.rollbackOnFailure !== true || resolution === undefined) return undefined;
  if (graph?.spec === undefined || !isGraphCurrent(findings) || !hasFailed(graph)) return undefined;
  const { generation, uid } = graph;
  const question = `${uid}/${generation}`;
  if (memory.dead === question) return 'noWayBack';
  const target = await lastGood(deps, run, graph.spec.metadata.revision, signal);
  if (target === undefined) {
    memory.dead = question;
    return 'noWayBack';
  }
  const pin = { revision: target, digest: resolution.digest, message: whyFailed(graph) };
  await recordPin(deps, run, { ...pin, reason: 'RollbackOnFailure' }, signal);
  return 'again';
}

/** The number of the newest revision that was ever ready and can still be read. */
async function lastGood(
  deps: RollbackDependencies,
  { task, log }: PinRun,
  failed: number | undefined,
  signal: AbortSignal,
): Promise<RevisionPin['revision'] | undefined> {
  const owner = revisionOwner(task.transform);
  for (const { number } of readyOnes(await deps.revisions.list(owner, signal), failed)) {
    try {
      if ((await deps.revisions.read(owner, number, signal)) !== undefined) return number;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      log.warn({ revision: number, error: error.message }, 'a revision was passed over');
    }
  }
  return undefined;
}

function whyFailed({ spec, status }: GraphView): string {
  const ready = findCondition(status?.conditions, 'Ready');
  const why = status?.blockedBy ?? ready?.message ?? 'it was not ready in time';
  return `revision ${spec?.metadata.revision} failed (${ready?.reason ?? 'NotReady'}): ${why}`;
}
