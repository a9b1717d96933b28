// What a pass came to, and when it wants to run again.
import type { Transform } from '../../api/index.ts';
import type { PequodError } from '../../errors.ts';
import type { Resolution } from '../../source/index.ts';
import type { Failure } from './failure.ts';
import type { Findings } from './findings.ts';
import type { SourceMemory, TransformMemory } from './memory.ts';
import type { RenderOutcome } from './render.ts';
import { reconcileToken } from './source.ts';

/** What a pass came to: what goes into the status, and when it wants to run again. */
export interface PassEnd {
  readonly findings: Findings;
  /** When the source is asked again. */
  readonly sourceDueAtMs: number | undefined;
  /** When a failed render is tried again; in the past where the pass did not come to it. */
  readonly renderDueAtMs: number | undefined;
}

/** Of a pass that asks neither source nor render: what ends that is an event. */
export function heldBy(findings: Findings): PassEnd {
  return { findings, sourceDueAtMs: undefined, renderDueAtMs: undefined };
}

/** The end of a pass that came to its source, or further. */
export function endOf(
  transform: Transform,
  memory: TransformMemory,
  source: SourceMemory | undefined,
  render: RenderOutcome | undefined,
  outcome: Pick<Findings, 'failure' | 'graph' | 'hold' | 'liveRenders' | 'pinning' | 'sizeWarnings'>,
  inputDueAtMs?: number,
): PassEnd {
  const failure = outcome.failure ?? failureOf(source, render);
  const hasSummary = render?.state === 'known' || render?.state === 'rendered';
  return {
    findings: {
      ...outcome,
      failure,
      resolution: resolutionIn(source) ?? (failure?.step === 'Fetched' ? undefined : lastGoodIn(source)),
      silence: failure?.step === 'Fetched' ? undefined : silenceOf(source),
      summary: hasSummary ? render.summary : undefined,
      token: reconcileToken(transform),
    },
    sourceDueAtMs: earliest(source?.nextAtMs, inputDueAtMs),
    renderDueAtMs:
      (render?.state === 'failed' || render?.state === 'known' ? render.dueAtMs : undefined) ??
      memory.unrunnable?.retryAtMs ??
      memory.failed?.retryAtMs,
  };
}

function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  const known = timesMs.filter((timeMs) => timeMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What the source's last answer leads to. */
export function resolutionIn(source: SourceMemory | undefined): Resolution | undefined {
  return source?.answer.ok === true ? source.answer.resolution : undefined;
}

/** What stays in force while the source is silent. */
export function lastGoodIn(source: SourceMemory | undefined): Resolution | undefined {
  return source?.answer.ok === false ? source.answer.lastGood : undefined;
}

function silenceOf(source: SourceMemory | undefined): PequodError | undefined {
  return source?.answer.ok === false && source.answer.lastGood !== undefined
    ? source.answer.error
    : undefined;
}

function failureOf(source: SourceMemory | undefined, render: RenderOutcome | undefined): Failure | undefined {
  const isCarriedOn =
    lastGoodIn(source) !== undefined && render !== undefined && render.state !== 'unavailable';
  if (source?.answer.ok === false && !isCarriedOn)
    return { step: 'Fetched', error: source.answer.error, violations: [] };
  return render?.state === 'failed' ? render.failed.failure : undefined;
}
