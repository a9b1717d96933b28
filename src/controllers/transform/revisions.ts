// Phase "graph", revisions: the number of a graph that is about to be written, and what becomes of the one before it.
//
// What is replaced is kept before its successor is written, and both carry their numbers: wherever a pass ends in
// between, the next one finds the running graph with its number and keeps it under that number once.
import type { GraphMetadata, Transform } from '../../api/index.ts';
import {
  DEFAULT_HISTORY_LIMIT,
  nextNumber,
  type RevisionEntry,
  type RevisionOwner,
  surplus,
} from '../../revisions/index.ts';
import { isConditionTrue } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import type { GraphView } from './graph-view.ts';
import type { GraphTask } from './graph-write.ts';

interface RevisionDependencies {
  readonly revisions: Pick<TransformDependencies['revisions'], 'keep' | 'list' | 'read' | 'remove'>;
}

/** Whose revisions they are. */
export function revisionOwner({ metadata }: Pick<Transform, 'metadata'>): RevisionOwner {
  const { namespace = '', name, uid = '' } = metadata;
  return { namespace, name, uid };
}

/**
 * The number for a graph that is about to be written. A graph that it replaces is kept, and what is too much of the
 * history goes; the first graph of a Transform costs no call.
 * @throws TerminalError (`REVISION_TOO_LARGE`), and as the API server answers
 */
export async function takeNumber(
  deps: RevisionDependencies,
  task: GraphTask,
  wanted: GraphMetadata,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { graph, pinned, transform } = task;
  if (graph?.spec === undefined) return pinned?.number ?? (await firstNumber(deps, task, wanted, signal));
  const running = graph.spec;
  if (isSameRevision(running.metadata, wanted, pinned?.number)) return running.metadata.revision;
  const { currentRevision } = transform.status ?? {};
  const owner = revisionOwner(transform);
  const history = await deps.revisions.list(owner, signal);
  // A graph that only holds the place of a plan has no number, and nothing to keep.
  const isPlaceholder = running.metadata.revision === undefined && running.nodes.length === 0;
  const kept = isPlaceholder ? history : await keepRunning(deps, transform, graph, history, signal);
  await evict(deps, transform, kept, pinned?.number, signal);
  return pinned?.number ?? nextNumber(kept, running.metadata.revision, currentRevision);
}

/** Of a graph that is created: the one that it had, where it was deleted by hand; else the next. */
async function firstNumber(
  deps: RevisionDependencies,
  { transform, isNew }: GraphTask,
  wanted: GraphMetadata,
  signal: AbortSignal,
): Promise<number> {
  if (isNew) return 1;
  const { applied, currentRevision } = transform.status ?? {};
  if (currentRevision !== undefined && applied?.renderHash === wanted.renderHash) return currentRevision;
  return nextNumber(await deps.revisions.list(revisionOwner(transform), signal), currentRevision);
}

/** True where the write makes good what somebody edited, or follows from live values alone. */
function isSameRevision(running: GraphMetadata, wanted: GraphMetadata, pinned: number | undefined): boolean {
  if (pinned !== undefined) return running.revision === pinned;
  if (running.renderHash === wanted.renderHash) return true;
  return (
    running.sourceKey !== undefined &&
    running.sourceKey === wanted.sourceKey &&
    running.digest === wanted.digest
  );
}

/**
 * Keeps the graph that runs as a revision.
 * @returns the history with it
 */
export async function keepRunning(
  deps: RevisionDependencies,
  transform: Transform,
  graph: GraphView,
  history: readonly RevisionEntry[],
  signal: AbortSignal,
): Promise<readonly RevisionEntry[]> {
  if (graph.spec === undefined) return history;
  const { revision: number = nextNumber(history, transform.status?.currentRevision) } = graph.spec.metadata;
  const running = { number, content: graph.spec, wasReady: wasReady(graph) };
  const entry = await deps.revisions.keep(revisionOwner(transform), running, history, signal);
  return [...history.filter((other) => other.number !== entry.number), entry];
}

/** Whether the revision that runs was Ready at some time. */
export function wasReady({ spec, status, generation }: GraphView): boolean {
  const revision = spec?.metadata.revision;
  if (revision !== undefined && status?.readyRevision === revision) return true;
  return status?.observedGeneration === generation && isConditionTrue(status.conditions, 'Ready');
}

/** Takes a history limit that was lowered at its word, where no graph is replaced that would bring it about. */
export async function trimHistory(
  deps: RevisionDependencies,
  { graph, transform }: GraphTask,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, spec, status } = transform;
  const { revisionHistoryLimit: limit } = spec;
  if (limit === undefined || status?.observedGeneration === metadata.generation) return;
  if ((status?.currentRevision ?? 1) <= 1) return;
  const history = await deps.revisions.list(revisionOwner(transform), signal);
  await evict(deps, transform, history, graph?.spec?.metadata.revision, signal);
}

/** @param running number that runs, or is about to */
async function evict(
  deps: RevisionDependencies,
  transform: Transform,
  history: readonly RevisionEntry[],
  running: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { spec, status } = transform;
  const kept = [running, spec.rollbackTo, status?.pin?.revision];
  const limit = spec.revisionHistoryLimit ?? DEFAULT_HISTORY_LIMIT;
  for (const entry of surplus(history, limit, new Set(kept.filter((number) => number !== undefined)))) {
    await deps.revisions.remove(revisionOwner(transform), entry, signal);
  }
}
