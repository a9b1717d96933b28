// What live values mean for a render: whether it has to wait or to stay out, and what is remembered of it.
import type { LiveRenders, Transform } from '../../api/index.ts';
import type { Rendered } from '../../render/index.ts';
import { findCondition } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { Hold } from './findings.ts';
import {
  changedValues,
  isAbout,
  isLoop,
  type LiveSubject,
  loopHold,
  nextPace,
  paceDueMs,
  withRender,
} from './live-renders.ts';
import { describeLost, fingerprints, isLiveRead, lostReads } from './live-values.ts';
import type { TransformMemory } from './memory.ts';
import type { KeyFunction, RenderOutcome, RunningGraph } from './render.ts';

/** A render that is due. */
export interface LiveQuestion {
  readonly transform: Transform;
  readonly memory: TransformMemory;
  readonly resolution: Resolution;
  readonly running: RunningGraph;
  readonly keyFor: KeyFunction;
  readonly nowMs: number;
}

/** What was found before: live values lead round in a circle, and only a change of spec or module helps. */
export function knownLoop(due: LiveQuestion): RenderOutcome | undefined {
  const reads = lastReads(due);
  const record = recordOf(due);
  if (!reads.some(isLiveRead) || !isAbout(record, subjectOf(due, reads)) || !isLoop(record)) return undefined;
  const stalled = findCondition(due.transform.status?.conditions, 'Stalled');
  const message =
    stalled?.reason === 'ObservedLoop'
      ? stalled.message
      : 'live values bring back an earlier graph; the graph stays as it is until spec or module change';
  return { state: 'held', hold: { reason: 'ObservedLoop', message, isStalled: true }, live: record };
}

/** Why there is to be no render now; undefined where there may be one. */
export function waitForLive(due: LiveQuestion): RenderOutcome | undefined {
  const { memory, running, nowMs } = due;
  const reads = lastReads(due);
  if (!reads.some(isLiveRead)) return undefined;
  const record = recordOf(due);
  if (isAbout(record, subjectOf(due, reads)) && record.hashes.at(-1) === running.hash) {
    const lost = lostReads(running.live, reads);
    if (lost.length > 0) {
      const isSoonKnown = lost.every(({ lostAt }) => lostAt === undefined);
      const hold = isSoonKnown ? NOT_EXECUTED : lostHold(describeLost(lost));
      return { state: 'held', hold, live: record };
    }
    // Values that led here have not been found again, and nothing says that they are gone.
    if (!running.isExecuted && record.hashes.length > 1)
      return { state: 'held', hold: NOT_EXECUTED, live: record };
  }
  const values = fingerprints(running.live, reads);
  const dueAtMs = paceDueMs(memory.livePace, questionOf(due, reads), values, nowMs);
  if (dueAtMs <= nowMs) return undefined;
  const { failed, rendered } = memory;
  if (failed !== undefined) return { state: 'failed', failed, dueAtMs };
  return rendered !== undefined && rendered.renderHash === running.hash
    ? { state: 'known', summary: rendered, dueAtMs }
    : undefined;
}

/** Remembers that this was rendered, and with which live values. */
export function noteLive(due: LiveQuestion, reads: readonly string[]): void {
  const { memory, running, nowMs } = due;
  memory.livePace = reads.some(isLiveRead)
    ? nextPace(memory.livePace, questionOf(due, reads), fingerprints(running.live, reads), nowMs)
    : undefined;
}

/** The record once the graph is the render; undefined where the module reads no live values. */
export function liveRecord(
  due: LiveQuestion,
  reads: readonly string[],
  renderHash: string,
): LiveRenders | undefined {
  return reads.some(isLiveRead) ? withRender(recordOf(due), subjectOf(due, reads), renderHash) : undefined;
}

/** Why the graph stays as it is, though another was rendered: that one was there before. */
export function stayWith(
  due: LiveQuestion,
  reads: readonly string[],
  result: Rendered,
): RenderOutcome | undefined {
  const { memory, running } = due;
  if (result.renderHash === running.hash) return undefined;
  const live = liveRecord(due, reads, result.renderHash);
  if (live === undefined || !isLoop(live)) return undefined;
  const changed = changedValues(memory.livePace?.values, fingerprints(running.live, reads));
  return { state: 'held', hold: loopHold(running.nodes, result.nodes, changed), live };
}

/** The record of a pass whose graph has this hash. */
export function liveRendersOf(
  memory: TransformMemory,
  render: RenderOutcome | undefined,
  hashInGraph: string | undefined,
): LiveRenders | 'none' | undefined {
  if (render?.state === 'held') memory.live = render.live;
  if (render?.state === 'rendered' && render.summary.renderHash === hashInGraph) memory.live = render.live;
  const isWithout = render?.state === 'rendered' || render?.state === 'known';
  return memory.live ?? (isWithout && !render.summary.reads.some(isLiveRead) ? 'none' : undefined);
}

function lastReads({ memory, transform }: LiveQuestion): readonly string[] {
  return memory.failed?.reads ?? memory.rendered?.reads ?? transform.status?.renderReads ?? [];
}

/** A graph that is gone takes with it what led to it. */
function recordOf({ memory, transform, running }: LiveQuestion): LiveRenders | undefined {
  return running.hash === undefined ? undefined : (memory.live ?? transform.status?.liveRenders);
}

function subjectOf(due: LiveQuestion, reads: readonly string[]): LiveSubject {
  const { generation = 0 } = due.transform.metadata;
  return { generation, digest: due.resolution.digest, question: questionOf(due, reads) };
}

function questionOf({ keyFor }: LiveQuestion, reads: readonly string[]): string {
  return keyFor(reads.filter((path) => !isLiveRead(path)));
}

const NOT_EXECUTED: Hold = {
  reason: 'Progressing',
  message: 'the ResourceGraph has not been executed yet',
  isStalled: false,
};

function lostHold(what: string): Hold {
  const message = `${what}: the graph stays as it is, and nothing is removed, until the value is back`;
  return { reason: 'LiveValueLost', message, isStalled: false };
}
