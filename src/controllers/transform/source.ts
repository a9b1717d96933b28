// Phase "source": what does the reference stand for now? Asked when the spec, the watched ConfigMap or the reconcile
// token changed, when the interval is over, or when a failed read is due again; in between the last answer holds. What
// can't mean anything else later (a digest, a commit) is asked once. What is read from the cluster is read as the
// Transform's ServiceAccount.
//
// While a place does not answer, what it last gave for the very same reference stays in force, for new input, too. A place
// that is left alone for a while gives no news: what it said last is what is reported, so that no status is written.
import { type CueRef, type KubeObject, RECONCILE_ANNOTATION, type Transform } from '../../api/index.ts';
import { isNews, isSourceError, PequodError } from '../../errors.ts';
import { hashJson } from '../../json/index.ts';
import { findCondition } from '../../runtime/index.ts';
import type { Resolution, ResolvedModule, SourceContext } from '../../source/index.ts';
import { clipToken } from './clip.ts';
import type { TransformDependencies } from './dependencies.ts';
import { isPassing } from './failure.ts';
import type { SourceMemory, TransformMemory } from './memory.ts';
import { firstLook, nextLook, nextTry, sharedAgeMs } from './source-schedule.ts';
import type { TenantReads } from './tenant-reads.ts';

const NO_FAILURES: Pick<SourceMemory, 'failures' | 'trouble'> = { failures: 0, trouble: undefined };

/** What a phase needs that asks sources. */
export type SourceDependencies = Pick<TransformDependencies, 'modules' | 'now' | 'random' | 'sources'> & {
  readonly reads: TenantReads;
};

/**
 * The source's answer, from memory where nothing asks for a new one.
 * @throws what passes by itself (the API server's own trouble), and the signal's reason
 */
export async function resolveSource(
  deps: SourceDependencies,
  transform: Transform,
  memory: TransformMemory,
  signal: AbortSignal,
): Promise<SourceMemory> {
  const watched = watchedRevision(deps, transform);
  const question = questionOf(transform, watched);
  const known = memory.source ?? answerInStatus(deps, transform, question, watched);
  const isDue = known?.nextAtMs !== undefined && deps.now() >= known.nextAtMs;
  if (known?.question === question && !isDue) {
    memory.source = known;
    return known;
  }
  const { failures, trouble } = known?.question === question ? known : NO_FAILURES;
  const askedAtMs = deps.now();
  const sinceMs = known?.answer.ok === false ? known.answer.sinceMs : undefined;
  try {
    const context = contextOf(deps, transform, sinceMs);
    const resolution = await deps.sources.resolve(transform.spec.cueRef, context, signal);
    const nextAtMs = isMoving(deps, transform, watched) ? nextLook(deps, transform) : undefined;
    memory.source = { question, answer: { ok: true, resolution }, nextAtMs, failures, trouble };
  } catch (error) {
    const before = { failures, trouble, sinceMs: sinceMs ?? askedAtMs };
    memory.source = failedAnswer(deps, { transform, memory, question, ...before }, error, signal);
  }
  return memory.source;
}

/**
 * The module behind an answer, or the answer that there is none after all.
 * @throws as {@link resolveSource}
 */
export async function fetchModule(
  deps: SourceDependencies,
  transform: Transform,
  memory: TransformMemory,
  resolution: Resolution,
  signal: AbortSignal,
): Promise<ResolvedModule | SourceMemory> {
  try {
    const context = contextOf(deps, transform);
    return await deps.sources.fetch(transform.spec.cueRef, resolution, context, signal);
  } catch (error) {
    return contentFailed(deps, transform, memory, error, signal);
  }
}

/**
 * What comes of a module that resolved, and whose content, or that of a dependency, could not be had after all.
 * @throws `error` where it is not the source's, and passes by itself
 */
export function contentFailed(
  deps: SourceDependencies,
  transform: Transform,
  memory: TransformMemory,
  error: unknown,
  signal: AbortSignal,
): SourceMemory {
  const question = questionOf(transform, watchedRevision(deps, transform));
  const answer = memory.source?.answer;
  const { failures, trouble } = memory.source ?? NO_FAILURES;
  const before = { failures, trouble, sinceMs: answer?.ok === false ? answer.sinceMs : deps.now() };
  memory.source = failedAnswer(deps, { transform, memory, question, ...before }, error, signal);
  return memory.source;
}

/**
 * The content behind a resolution was of use: it is what stays in force, and the source's backoff starts over. Not before
 * that: a reference that resolves may still lead to nothing, again and again.
 */
export function sourceWorked(transform: Transform, memory: TransformMemory, resolution: Resolution): void {
  memory.good = { cueRef: hashJson(transform.spec.cueRef), resolution };
  // An answer that failed has its own backoff, however well one before it may be of use.
  if (memory.source?.answer.ok === true && memory.source.failures > 0)
    memory.source = { ...memory.source, ...NO_FAILURES };
}

/** The reconcile that a person asked for by annotation. */
export function reconcileToken(transform: Pick<KubeObject, 'metadata'>): string | undefined {
  return transform.metadata.annotations?.[RECONCILE_ANNOTATION];
}

/** `uid/resourceVersion` of the module's ConfigMap, where it is labelled and so watched. */
function watchedRevision(deps: SourceDependencies, transform: Transform): string | undefined {
  const { cueRef } = transform.spec;
  if (cueRef.type !== 'configmap') return undefined;
  return watchedConfigMap(deps, transform, cueRef.ref);
}

/** `uid/resourceVersion` of a ConfigMap of the Transform's namespace; undefined where it is not labelled, and so not watched. */
export function watchedConfigMap(
  deps: Pick<SourceDependencies, 'modules'>,
  { metadata }: Transform,
  name: string,
): string | undefined {
  const configMap = deps.modules.get(metadata.namespace, name);
  return configMap === undefined
    ? undefined
    : `${configMap.metadata.uid}/${configMap.metadata.resourceVersion}`;
}

function questionOf(transform: Transform, watched: string | undefined): string {
  return JSON.stringify([transform.metadata.generation, reconcileToken(transform), watched]);
}

/** Whether the answer may be another one later, without anything here telling of it. */
function isMoving(
  { sources }: SourceDependencies,
  { spec: { cueRef } }: Transform,
  watched: string | undefined,
): boolean {
  return watched === undefined && sources.isMoving(cueRef);
}

/**
 * After a restart: what the reference stood for when this very generation was fetched, until its next look is due. A
 * watched ConfigMap must be the one that it was. Nothing is given for the status' word: content has to be shown
 * credentials for, and a signature, by whoever fetches it.
 */
function answerInStatus(
  deps: SourceDependencies,
  transform: Transform,
  question: string,
  watched: string | undefined,
): SourceMemory | undefined {
  const { resolvedCueRef, conditions, lastHandledReconcileAt } = transform.status ?? {};
  const fetched = findCondition(conditions, 'Fetched');
  const token = reconcileToken(transform);
  const isCurrent =
    fetched?.status === 'True' &&
    fetched.observedGeneration === transform.metadata.generation &&
    (token === undefined || clipToken(token) === lastHandledReconcileAt);
  if (!isCurrent || resolvedCueRef === undefined) return undefined;
  const isSame =
    isKept(transform.spec.cueRef) || (watched !== undefined && resolvedCueRef.revision === watched);
  if (!isSame) return undefined;
  const { digest, revision, signer } = resolvedCueRef;
  const resolution = {
    digest,
    ...(revision === undefined ? {} : { revision }),
    ...(signer === undefined ? {} : { signer }),
  };
  const nextAtMs = isMoving(deps, transform, watched) ? firstLook(deps, transform) : undefined;
  return { question, answer: { ok: true, resolution }, nextAtMs, failures: 0 };
}

/** Types whose status tells enough after a restart; the others are asked without a request, or are watched. */
function isKept({ type }: CueRef): boolean {
  return type === 'oci' || type === 'git';
}

interface Failing {
  readonly transform: Transform;
  readonly memory: TransformMemory;
  readonly question: string;
  /** Before this one, in a row. */
  readonly failures: number;
  /** The last of those. */
  readonly trouble: PequodError | undefined;
  /** When the first of them was asked. */
  readonly sinceMs: number;
}

function failedAnswer(
  deps: SourceDependencies,
  { transform, memory, question, failures, trouble, sinceMs }: Failing,
  error: unknown,
  signal: AbortSignal,
): SourceMemory {
  signal.throwIfAborted();
  if (!(error instanceof PequodError) || isPassing(error)) throw error;
  const { good } = memory;
  const isSilent = isSourceError(error, 'SOURCE_UNAVAILABLE');
  // Of another reference nothing is ever used, and nothing where the place has spoken against this one.
  const lastGood =
    isSilent && good?.cueRef === hashJson(transform.spec.cueRef) ? { lastGood: good.resolution } : {};
  const said = isNews(error) || trouble?.code !== error.code ? error : trouble;
  const answer = { ok: false, error: said, sinceMs, ...lastGood } as const;
  const count = failures + 1;
  return { question, answer, nextAtMs: nextTry(deps, error, count), failures: count, trouble: said };
}

/** @param failingSinceMs since when the source fails: what others were told before that is old */
function contextOf(
  { reads, now }: SourceDependencies,
  transform: Transform,
  failingSinceMs: number = Number.NEGATIVE_INFINITY,
): SourceContext {
  const token = reconcileToken(transform);
  const isAskedFor = token !== undefined && clipToken(token) !== transform.status?.lastHandledReconcileAt;
  return {
    namespace: transform.metadata.namespace ?? '',
    configMaps: reads,
    secrets: reads,
    maxAgeMs: isAskedFor ? 0 : Math.min(sharedAgeMs(transform), now() - failingSinceMs),
  };
}
