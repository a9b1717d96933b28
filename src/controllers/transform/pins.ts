// Phase "pin": runs an earlier revision in place of what the module renders to, because `rollbackTo` says so or because
// what was rendered failed.
//
// The pin is in the Transform's status before the graph is written. A pass that finds a pin in force brings the graph to
// that revision, however far an earlier one came; a pass that has to pin does no more than that.

import { MAX_MESSAGE_LENGTH } from '../../api/crd/index.ts';
import {
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  type RevisionPin,
  type Transform,
} from '../../api/index.ts';
import { INVALID_RETRY_MS, TerminalError } from '../../errors.ts';
import { keyOf, TRANSFORMS } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { RevisionContent } from '../../revisions/index.ts';
import type { Resolution } from '../../source/index.ts';
import { clipText } from './clip.ts';
import type { TransformDependencies } from './dependencies.ts';
import type { Findings, Hold } from './findings.ts';
import { guarded } from './graph-patch.ts';
import { type GraphView, renderHashIn } from './graph-view.ts';
import { bringGraph, type GraphTask } from './graph-write.ts';
import type { TransformMemory } from './memory.ts';
import { keepRunning, revisionOwner } from './revisions.ts';

type PinDependencies = Pick<
  TransformDependencies,
  'graphs' | 'limits' | 'now' | 'operator' | 'random' | 'revisions' | 'tenancy' | 'transforms'
>;

const MAX_NAMED_REVISIONS = 20;

/** A revision that is to run whatever the module renders to. */
export type WantedRevision = Pick<RevisionPin, 'reason' | 'revision'>;

/** What has to run in place of a render; undefined where nothing has. @param resolution undefined: not known */
export function wantedRevision(
  transform: Transform,
  resolution: Resolution | undefined,
): WantedRevision | undefined {
  const { metadata, spec, status } = transform;
  if (spec.rollbackTo !== undefined) return { reason: 'RollbackTo', revision: spec.rollbackTo };
  const pin = status?.pin;
  if (spec.rollbackOnFailure !== true || pin?.reason !== 'RollbackOnFailure') return undefined;
  const isOfThisSpec = pin.generation === metadata.generation;
  const isOfThisModule = resolution === undefined || resolution.digest === pin.digest;
  return isOfThisSpec && isOfThisModule ? pin : undefined;
}

/** What came of a pass over a pinned Transform. */
export type PinnedFindings = Pick<Findings, 'graph' | 'hold' | 'pinning'>;

export interface PinRun {
  /** The Transform as it is stored. */
  readonly object: KubeObject;
  readonly task: GraphTask;
  readonly log: Logger;
}

/**
 * Brings the graph to the revision, or says why that can't be.
 * @returns `again` where only the pin was written
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function bringRevision(
  deps: PinDependencies,
  run: PinRun,
  wanted: WantedRevision,
  signal: AbortSignal,
): Promise<PinnedFindings | 'again'> {
  const { task } = run;
  const { pin } = task.transform.status ?? {};
  const isPinned = pin?.reason === wanted.reason && pin.revision === wanted.revision;
  const running = isRunning(task.graph, wanted.revision, task.memory) ? task.graph?.spec : undefined;
  if (isPinned && running !== undefined) return await settle(deps, task, pin, undefined, signal);
  if (running !== undefined) {
    // From now on it must be there whatever becomes of the graph.
    await keepNow(deps, task, signal);
    await recordPin(deps, run, { ...wanted, digest: running.metadata.digest }, signal);
    return 'again';
  }
  const found = await readRevision(deps, task, wanted.revision, signal);
  if ('isStalled' in found) {
    const outcome = await bringGraph(deps, task, signal);
    return { graph: outcome.graph, hold: found, pinning: { pin: isPinned ? pin : undefined } };
  }
  if (isPinned) return await settle(deps, task, pin, found, signal);
  await recordPin(deps, run, { ...wanted, digest: found.metadata.digest }, signal);
  return 'again';
}

/** Brings the graph to what the pin says, or its policies only where it is that already. */
async function settle(
  deps: PinDependencies,
  task: GraphTask,
  pin: RevisionPin,
  content: RevisionContent | undefined,
  signal: AbortSignal,
): Promise<PinnedFindings> {
  const { generation = 0 } = task.transform.metadata;
  // What rollbackTo pins is pinned whatever else the spec says.
  const pinning = { pin: pin.reason === 'RollbackTo' ? { ...pin, generation } : pin };
  const pinned = content === undefined ? undefined : { number: pin.revision, content };
  const { graph, failure } = await bringGraph(deps, { ...task, pinned }, signal);
  if (failure === undefined) return { graph, pinning };
  const { error } = failure;
  const message = `revision ${pin.revision} can't be run: ${error.message}; what runs is left as it is`;
  const hold = { reason: error.reason, message, isStalled: true };
  const retryAtMs = typeof error.retry === 'object' ? deps.now() + INVALID_RETRY_MS : undefined;
  remember(task, pin.revision, hold, retryAtMs);
  return { graph, hold, pinning };
}

/** True where the graph has the number, and nobody has edited it. */
function isRunning(graph: GraphView | undefined, number: number, memory: TransformMemory): boolean {
  return graph?.spec?.metadata.revision === number && renderHashIn(graph, memory) !== undefined;
}

/** The revision, or why it can't be had. */
async function readRevision(
  deps: PinDependencies,
  task: GraphTask,
  number: number,
  signal: AbortSignal,
): Promise<Hold | RevisionContent> {
  const { memory, transform } = task;
  const { unrunnable } = memory;
  const isKnown = unrunnable?.question === questionOf(task, number);
  if (isKnown && (unrunnable.retryAtMs === undefined || deps.now() < unrunnable.retryAtMs))
    return unrunnable.hold;
  memory.unrunnable = undefined;
  const owner = revisionOwner(transform);
  try {
    const content = await deps.revisions.read(owner, number, signal);
    if (content !== undefined) return content;
    const there = await deps.revisions.list(owner, signal);
    const hold = { reason: 'RevisionNotFound', message: missing(number, there, task.graph), isStalled: true };
    return remember(task, number, hold, undefined);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const message = `revision ${number}: ${error.message}; what runs is left as it is`;
    return remember(task, number, { reason: error.reason, message, isStalled: true }, undefined);
  }
}

function missing(
  number: number,
  there: readonly { readonly number: number }[],
  graph: GraphView | undefined,
): string {
  const running = graph?.spec?.metadata.revision;
  const numbers = new Set(there.map((entry) => entry.number));
  if (running !== undefined) numbers.add(running);
  const sorted = [...numbers].sort((a, b) => b - a).slice(0, MAX_NAMED_REVISIONS);
  const named = sorted.map((one) => (one === running ? `${one} (which runs)` : String(one)));
  const rest = named.length === 0 ? 'there is none' : `there are ${named.join(', ')}`;
  return `revision ${number} does not exist, ${rest}; what runs is left as it is`;
}

function remember(task: GraphTask, number: number, hold: Hold, retryAtMs: number | undefined): Hold {
  const question = questionOf(task, number);
  task.memory.unrunnable = { question, hold, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
  return hold;
}

function questionOf({ transform }: GraphTask, number: number): string {
  return `${transform.metadata.generation}/${number}`;
}

async function keepNow(deps: PinDependencies, task: GraphTask, signal: AbortSignal): Promise<void> {
  if (task.graph === undefined) return;
  const history = await deps.revisions.list(revisionOwner(task.transform), signal);
  await keepRunning(deps, task.transform, task.graph, history, signal);
}

/** A pin before it is recorded. */
export type NewPin = Pick<RevisionPin, 'digest' | 'message' | 'reason' | 'revision'>;

/** Writes the pin into the status, and nothing else. */
export async function recordPin(
  deps: Pick<PinDependencies, 'operator' | 'transforms'>,
  { object, task, log }: PinRun,
  wanted: NewPin,
  signal: AbortSignal,
): Promise<void> {
  const { revision, digest, reason, message } = wanted;
  const { generation = 0 } = task.transform.metadata;
  const why = message === undefined ? {} : { message: clipText(message, MAX_MESSAGE_LENGTH) };
  const pin = { revision, generation, digest, reason, ...why };
  const status = { ...task.transform.status, pin };
  const written = await deps.operator.jsonPatch(
    TRANSFORMS,
    keyOf(object),
    guarded(object, [{ op: 'add', path: '/status', value: status }]),
    { fieldManager: OPERATOR_FIELD_MANAGER, subresource: 'status' },
    signal,
  );
  deps.transforms.observeOwnWrite(written);
  log.info(
    { revision, reason, from: task.graph?.spec?.metadata.revision },
    'rolling back to an earlier revision',
  );
}
