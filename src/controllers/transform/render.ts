// Phase "render": the same question is never evaluated twice. The key of the last render is in memory and in the status;
// only where it differs, or where nodes have to be written that are not at hand, is the module evaluated again.
import type { GraphNode, LiveRenders, Transform } from '../../api/index.ts';
import { askedDelayMs, SourceError } from '../../errors.ts';
import {
  type ModuleRenderer,
  OBSERVED_FIELD,
  PENDING_NODES_ID,
  type Rendered,
  type RenderResult,
  renderContext,
  renderKey,
} from '../../render/index.ts';
import { isConditionTrue } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import type { Failure } from './failure.ts';
import type { Hold } from './findings.ts';
import { knownLoop, liveRecord, noteLive, stayWith, waitForLive } from './live-step.ts';
import { isAwaitedInVain, isLiveRead, keepingNodes, type LiveValues } from './live-values.ts';
import type { FailedRender, RenderSummary, SourceMemory, TransformMemory } from './memory.ts';
import { contentFailed, fetchModule, sourceWorked } from './source.ts';
import type { TenantReads } from './tenant-reads.ts';

/** More read paths than a status may list: from then on all of it counts. */
const MAX_READS = 256;
const MAX_READ_LENGTH = 512;

type RenderDependencies = Pick<
  TransformDependencies,
  'cluster' | 'modules' | 'now' | 'random' | 'renderer' | 'sources'
> & { readonly reads: TenantReads };

/**
 * - `known`: rendered before, and the nodes are in the graph.
 * - `rendered`: the nodes are here.
 * - `failed`: the module or its input is to blame.
 * - `held`: what runs stays, for the sake of live values; `live` is what led there.
 * - `unavailable`: the module could not be had after all.
 */
export type RenderOutcome =
  | { readonly state: 'known'; readonly summary: RenderSummary; readonly dueAtMs?: number }
  | {
      readonly state: 'rendered';
      readonly summary: RenderSummary;
      readonly result: Rendered;
      readonly live: LiveRenders | undefined;
    }
  | { readonly state: 'failed'; readonly failed: FailedRender; readonly dueAtMs?: number }
  | { readonly state: 'held'; readonly hold: Hold; readonly live: LiveRenders | undefined }
  | { readonly state: 'unavailable'; readonly source: SourceMemory };

/** The graph that runs. */
export interface RunningGraph {
  /** Hash of its nodes, as {@link RenderSummary} has it. */
  readonly hash: string | undefined;
  readonly nodes: readonly GraphNode[];
  readonly live: LiveValues;
  /** Whether its status says anything of its nodes: not before its first run, and not where it was wiped. */
  readonly isExecuted: boolean;
}

/**
 * What the Transform renders to.
 * @throws what passes by itself, and the signal's reason
 */
export async function renderTransform(
  deps: RenderDependencies,
  transform: Transform,
  memory: TransformMemory,
  resolution: Resolution,
  running: RunningGraph,
  signal: AbortSignal,
): Promise<RenderOutcome> {
  const keyFor = keyFunction(deps, transform, resolution, running.live);
  const question = { transform, memory, resolution, running, keyFor, nowMs: deps.now() };
  const looped = knownLoop(question);
  if (looped !== undefined) return looped;
  const summary = knownSummary(transform, memory, running, keyFor);
  if (summary !== undefined && summary.renderHash === running.hash) {
    memory.rendered = summary;
    memory.failed = undefined;
    sourceWorked(transform, memory, resolution);
    return { state: 'known', summary };
  }
  const failed = knownFailure(memory, keyFor, deps.now());
  if (failed !== undefined) return { state: 'failed', failed };
  const waiting = waitForLive(question);
  if (waiting !== undefined) return waiting;
  const module = await fetchModule(deps, transform, memory, resolution, signal);
  if ('question' in module) return { state: 'unavailable', source: module };
  const context = renderContext(transform.metadata, deps.cluster());
  const { observed, expressions } = running.live;
  const { input = {} } = transform.spec;
  let result: RenderResult;
  try {
    result = await deps.renderer.render({ module, input, context, observed, expressions }, signal);
  } catch (error) {
    // A dependency could not be had.
    if (!(error instanceof SourceError)) throw error;
    return { state: 'unavailable', source: contentFailed(deps, transform, memory, error, signal) };
  }
  sourceWorked(transform, memory, resolution);
  const reads = storableReads(result.reads);
  if (!result.ok) {
    noteLive(question, reads);
    const failure: Failure = { step: result.phase, error: result.error, violations: result.violations };
    memory.failed = { key: keyFor(reads), reads, failure, retryAtMs: retryAt(failure, deps.now()) };
    return { state: 'failed', failed: memory.failed };
  }
  const { result: kept, awaits } = keepingNodes(result, running.nodes, running.live);
  const staying = stayWith(question, reads, kept);
  noteLive(question, reads);
  if (staying !== undefined) return staying;
  const { renderHash, violations } = kept;
  // Live values are what a render may follow from without being a revision of its own.
  const sourceKey = keyFor(reads.filter((path) => !isLiveRead(path)));
  const dependencies = module.dependencies?.chosen();
  memory.rendered = { key: keyFor(reads), reads, renderHash, sourceKey, violations, awaits, dependencies };
  memory.failed = undefined;
  const live = liveRecord(question, reads, renderHash);
  return { state: 'rendered', summary: memory.rendered, result: kept, live };
}

export type KeyFunction = (reads: readonly string[]) => string;

function keyFunction(
  deps: Pick<TransformDependencies, 'cluster' | 'sources'> & { readonly renderer: ModuleRenderer },
  transform: Transform,
  resolution: Resolution,
  live: LiveValues,
): KeyFunction {
  const { cueRef, input = {} } = transform.spec;
  const context = renderContext(transform.metadata, deps.cluster());
  const { policiesDigest, evaluatorVersion } = deps.renderer;
  return (reads) =>
    renderKey({
      moduleDigest: resolution.digest,
      packagePath: deps.sources.folderOf(cueRef),
      input,
      context,
      observed: live.observed,
      expressionHashes: live.hashes,
      reads,
      policiesDigest,
      evaluatorVersion,
    });
}

function knownSummary(
  transform: Transform,
  memory: TransformMemory,
  { nodes, live }: RunningGraph,
  keyFor: KeyFunction,
): RenderSummary | undefined {
  const { rendered } = memory;
  // Before a restart: whatever waits may wait in vain.
  const awaits = rendered?.awaits ?? nodes.find(({ id }) => id === PENDING_NODES_ID)?.waitsFor ?? [];
  if (isAwaitedInVain(awaits, live)) return undefined;
  if (rendered !== undefined && keyFor(rendered.reads) === rendered.key) return rendered;
  const { renderKey: key, renderReads: reads = [], applied, conditions, violations } = transform.status ?? {};
  if (key === undefined || applied === undefined || keyFor(reads) !== key) return undefined;
  // After a failure, what the status lists is about another render than the one that runs.
  const isAboutThis = isConditionTrue(conditions, 'Rendered');
  return {
    key,
    reads,
    renderHash: applied.renderHash,
    violations: isAboutThis ? (violations ?? []) : undefined,
  };
}

function knownFailure(memory: TransformMemory, keyFor: KeyFunction, nowMs: number): FailedRender | undefined {
  const { failed } = memory;
  if (failed === undefined || keyFor(failed.reads) !== failed.key) return undefined;
  return failed.retryAtMs !== undefined && nowMs >= failed.retryAtMs ? undefined : failed;
}

function retryAt(failure: Failure, nowMs: number): number | undefined {
  const askedMs = askedDelayMs(failure.error.retry);
  return askedMs === undefined ? undefined : nowMs + askedMs;
}

/** Paths as the status can hold them: fewer and coarser ones where there are too many or too long ones. */
export function storableReads(reads: readonly string[]): readonly string[] {
  const isStorable = reads.length <= MAX_READS && reads.every((path) => path.length <= MAX_READ_LENGTH);
  if (isStorable) return reads;
  return reads.some(isLiveRead) ? ['context', OBSERVED_FIELD] : ['context'];
}
