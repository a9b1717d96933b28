// When and how a status is written. A status that says the same is not written; progress alone is written at most once
// a second, failures and the end at once. The write carries the resourceVersion of the version that it was computed
// from, so that neither a newer status nor one of a leader that took over is lost.
import {
  type Condition,
  type KubeObject,
  OPERATOR_FIELD_MANAGER,
  TRANSFORM_CONDITIONS,
  type TransformStatus,
} from '../../api/index.ts';
import { canonicalJson, type JsonObject } from '../../json/index.ts';
import { keyOf, TRANSFORMS } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import { areConditionsEqual, findCondition, isConditionTrue } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { guarded } from './graph-patch.ts';
import type { TransformMemory } from './memory.ts';

/** The shortest time between two writes of progress. */
export const PROGRESS_INTERVAL_MS = 1_000;

/** Conditions whose being False is a failure, and not a step on the way. */
const FAILING: readonly string[] = TRANSFORM_CONDITIONS.filter(
  (type) => type === 'Fetched' || type === 'Validated' || type === 'Rendered',
);

export interface StatusTiming {
  readonly statusWrittenAtMs?: number | undefined;
  readonly unwrittenSinceMs?: number | undefined;
}

/** How long a status that differs waits before it is written: 0 is now. */
export function writeDelayMs(
  previous: TransformStatus,
  next: TransformStatus,
  timing: StatusTiming,
  nowMs: number,
): number {
  if (isFailureNews(previous.conditions, next.conditions)) return 0;
  // Ready is what people wait for. It can't become a stream of writes: the way back from it is progress, and waits.
  if (isConditionTrue(next.conditions, 'Ready') && !isConditionTrue(previous.conditions, 'Ready')) return 0;
  const { statusWrittenAtMs = Number.NEGATIVE_INFINITY, unwrittenSinceMs = nowMs } = timing;
  // What is still to come was noted before the clock was set back: nobody waits for that hour to return.
  const since = Math.max(...[statusWrittenAtMs, unwrittenSinceMs].filter((atMs) => atMs <= nowMs));
  return Math.max(0, since + PROGRESS_INTERVAL_MS - nowMs);
}

function isFailureNews(
  previous: readonly Condition[] | undefined,
  next: readonly Condition[] | undefined,
): boolean {
  const failures = (conditions: readonly Condition[] | undefined): readonly Condition[] =>
    (conditions ?? []).filter(({ type, status }) =>
      FAILING.includes(type) ? status === 'False' : type === 'Stalled',
    );
  const news = failures(next);
  return news.length > 0 && !areConditionsEqual(failures(previous), news);
}

/**
 * Writes the status if it differs and its time has come.
 * @returns in how many milliseconds it is due; undefined where nothing is left to write
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function writeStatus(
  deps: Pick<TransformDependencies, 'now' | 'operator' | 'transforms'>,
  transform: KubeObject,
  previous: TransformStatus,
  next: TransformStatus,
  memory: TransformMemory,
  log: Logger,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (isSame(previous, next)) {
    memory.unwrittenSinceMs = undefined;
    return undefined;
  }
  const nowMs = deps.now();
  const delayMs = writeDelayMs(previous, next, memory, nowMs);
  memory.unwrittenSinceMs ??= nowMs;
  if (delayMs > 0) return delayMs;
  const written = await deps.operator.jsonPatch(
    TRANSFORMS,
    keyOf(transform),
    guarded(transform, [{ op: 'add', path: '/status', value: next }]),
    { fieldManager: OPERATOR_FIELD_MANAGER, subresource: 'status' },
    signal,
  );
  deps.transforms.observeOwnWrite(written);
  logNews(log, previous, next);
  memory.statusWrittenAtMs = nowMs;
  memory.unwrittenSinceMs = undefined;
  return undefined;
}

/** One line when Ready changes its status or its reason. */
function logNews(log: Logger, previous: TransformStatus, next: TransformStatus): void {
  const before = findCondition(previous.conditions, 'Ready');
  const ready = findCondition(next.conditions, 'Ready');
  if (ready === undefined || (before?.status === ready.status && before.reason === ready.reason)) return;
  const { reason, message } = ready;
  log.info({ reason, message }, ready.status === 'True' ? 'Transform is ready' : 'Transform is not ready');
}

function isSame(previous: JsonObject, next: JsonObject): boolean {
  return canonicalJson(previous) === canonicalJson(next);
}
