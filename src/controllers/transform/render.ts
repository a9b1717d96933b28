// Phase "render": the same question is never evaluated twice. The key of the last render is in memory and in the status;
// only where it differs, or where nodes have to be written that are not at hand, is the module evaluated again.
import type { Transform } from '../../api/index.ts';
import { type ModuleRenderer, type Rendered, renderContext, renderKey } from '../../render/index.ts';
import { isConditionTrue } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import type { Failure } from './failure.ts';
import type { FailedRender, RenderSummary, SourceMemory, TransformMemory } from './memory.ts';
import { fetchModule, sourceWorked } from './source.ts';

/** More read paths than a status may list: from then on all of the context counts. */
const MAX_READS = 256;
const MAX_READ_LENGTH = 512;
const WHOLE_CONTEXT: readonly string[] = ['context'];

type RenderDependencies = Pick<
  TransformDependencies,
  'cluster' | 'modules' | 'now' | 'random' | 'renderer' | 'sources' | 'tenancy'
>;

/**
 * - `known`: rendered before, and the nodes are in the graph.
 * - `rendered`: the nodes are here.
 * - `failed`: the module or its input is to blame.
 * - `unavailable`: the module could not be had after all.
 */
export type RenderOutcome =
  | { readonly state: 'known'; readonly summary: RenderSummary }
  | { readonly state: 'rendered'; readonly summary: RenderSummary; readonly result: Rendered }
  | { readonly state: 'failed'; readonly failed: FailedRender }
  | { readonly state: 'unavailable'; readonly source: SourceMemory };

/**
 * What the Transform renders to.
 * @param hashInGraph hash of the nodes that the graph holds
 * @throws what passes by itself, and the signal's reason
 */
export async function renderTransform(
  deps: RenderDependencies,
  transform: Transform,
  memory: TransformMemory,
  resolution: Resolution,
  hashInGraph: string | undefined,
  signal: AbortSignal,
): Promise<RenderOutcome> {
  const keyFor = keyFunction(deps, transform, resolution);
  const summary = knownSummary(transform, memory, keyFor);
  if (summary !== undefined && summary.renderHash === hashInGraph) {
    memory.rendered = summary;
    memory.failed = undefined;
    sourceWorked(memory);
    return { state: 'known', summary };
  }
  const failed = knownFailure(memory, keyFor, deps.now());
  if (failed !== undefined) return { state: 'failed', failed };
  const module = await fetchModule(deps, transform, memory, resolution, signal);
  if ('question' in module) return { state: 'unavailable', source: module };
  const context = renderContext(transform.metadata, deps.cluster());
  const result = await deps.renderer.render({ module, input: transform.spec.input ?? {}, context }, signal);
  if (!result.ok) {
    const reads = storableReads(result.reads);
    const failure: Failure = { step: result.phase, error: result.error, violations: result.violations };
    memory.failed = { key: keyFor(reads), reads, failure, retryAtMs: retryAt(failure, deps.now()) };
    return { state: 'failed', failed: memory.failed };
  }
  const reads = storableReads(result.reads);
  const { renderHash, violations } = result;
  // Live values are what a render may follow from without being a revision of its own.
  const sourceKey = keyFor(reads.filter((path) => !/^observed\b/.test(path)));
  memory.rendered = { key: keyFor(reads), reads, renderHash, sourceKey, violations };
  memory.failed = undefined;
  return { state: 'rendered', summary: memory.rendered, result };
}

type KeyFunction = (reads: readonly string[]) => string;

function keyFunction(
  deps: Pick<TransformDependencies, 'cluster'> & { readonly renderer: ModuleRenderer },
  transform: Transform,
  resolution: Resolution,
): KeyFunction {
  const { cueRef, input = {} } = transform.spec;
  const context = renderContext(transform.metadata, deps.cluster());
  const { policiesDigest, evaluatorVersion } = deps.renderer;
  return (reads) =>
    renderKey({
      moduleDigest: resolution.digest,
      // The digest of an embedded type differs by type, so that the path alone names the package.
      packagePath: cueRef.path ?? '',
      input,
      context,
      reads,
      policiesDigest,
      evaluatorVersion,
    });
}

function knownSummary(
  transform: Transform,
  memory: TransformMemory,
  keyFor: KeyFunction,
): RenderSummary | undefined {
  const { rendered } = memory;
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
  const { retry } = failure.error;
  return typeof retry === 'object' ? nowMs + retry.afterMs : undefined;
}

/** Paths as the status can hold them: fewer and coarser ones where there are too many or too long ones. */
export function storableReads(reads: readonly string[]): readonly string[] {
  const isStorable = reads.length <= MAX_READS && reads.every((path) => path.length <= MAX_READ_LENGTH);
  return isStorable ? reads : WHOLE_CONTEXT;
}
