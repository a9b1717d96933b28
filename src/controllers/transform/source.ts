// Phase "source": what does the reference stand for now? Asked when the spec, the watched ConfigMap or the reconcile
// token changed, when the interval is over, or when a failed read is due again; in between the last answer holds. What
// is read from the cluster is read as the Transform's ServiceAccount.
import { type KubeObject, RECONCILE_ANNOTATION, type Transform } from '../../api/index.ts';
import { PequodError } from '../../errors.ts';
import { CONFIG_MAPS, isForbidden, isNotFound, type Resource, SECRETS } from '../../kube/index.ts';
import {
  DEFAULT_BACKOFF,
  DurationError,
  exponentialBackoff,
  findCondition,
  parseDuration,
  withJitter,
} from '../../runtime/index.ts';
import type { Resolution, ResolvedModule, SourceContext } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';
import { isPassing } from './failure.ts';
import type { SourceMemory, TransformMemory } from './memory.ts';

const DEFAULT_INTERVAL_MS = 5 * 60_000;
/** A shorter interval would be a load, not a check. */
const MIN_INTERVAL_MS = 5_000;
/** The interval is stretched or shortened by up to this share. */
const INTERVAL_JITTER = 0.1;
const RETRY_JITTER = 0.1;

type SourceDependencies = Pick<TransformDependencies, 'modules' | 'now' | 'random' | 'sources' | 'tenancy'>;

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
  const known = memory.source ?? answerInStatus(transform, question, watched);
  const isDue = known?.nextAtMs !== undefined && deps.now() >= known.nextAtMs;
  if (known?.question === question && !isDue) {
    memory.source = known;
    return known;
  }
  const failures = known?.question === question ? known.failures : 0;
  try {
    const resolution = await deps.sources.resolve(transform.spec.cueRef, contextOf(deps, transform), signal);
    const isLookDue = transform.spec.cueRef.type === 'configmap' && watched === undefined;
    const nextAtMs = isLookDue ? nextLook(deps, transform) : undefined;
    memory.source = { question, answer: { ok: true, resolution }, nextAtMs, failures };
  } catch (error) {
    memory.source = failedAnswer(deps, question, failures + 1, error, signal);
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
    const module = await deps.sources.fetch(transform.spec.cueRef, resolution, context, signal);
    sourceWorked(memory);
    return module;
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
  memory.source = failedAnswer(deps, question, (memory.source?.failures ?? 0) + 1, error, signal);
  return memory.source;
}

/**
 * Starts the source's backoff over. Not before its content was of use: a reference that resolves may still lead to
 * nothing, again and again.
 */
export function sourceWorked(memory: TransformMemory): void {
  if (memory.source !== undefined && memory.source.failures > 0)
    memory.source = { ...memory.source, failures: 0 };
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

/** After a restart: the watch shows the very ConfigMap that this generation was rendered from. */
function answerInStatus(
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
    (token === undefined || token === lastHandledReconcileAt);
  if (!isCurrent || resolvedCueRef === undefined || watched === undefined) return undefined;
  if (resolvedCueRef.revision !== watched) return undefined;
  const resolution = { digest: resolvedCueRef.digest, revision: watched };
  return { question, answer: { ok: true, resolution }, nextAtMs: undefined, failures: 0 };
}

/** When what is not watched is read again, in ms. */
export function nextLook(deps: Pick<SourceDependencies, 'now' | 'random'>, transform: Transform): number {
  const spread = 1 - INTERVAL_JITTER + 2 * INTERVAL_JITTER * deps.random();
  return deps.now() + Math.round(intervalMs(transform) * spread);
}

function intervalMs(transform: Transform): number {
  const { interval } = transform.spec;
  if (interval === undefined) return DEFAULT_INTERVAL_MS;
  try {
    return Math.max(MIN_INTERVAL_MS, parseDuration(interval));
  } catch (error) {
    if (error instanceof DurationError) return DEFAULT_INTERVAL_MS;
    throw error;
  }
}

function failedAnswer(
  deps: SourceDependencies,
  question: string,
  failures: number,
  error: unknown,
  signal: AbortSignal,
): SourceMemory {
  signal.throwIfAborted();
  if (!(error instanceof PequodError) || isPassing(error)) throw error;
  return { question, answer: { ok: false, error }, nextAtMs: nextTry(deps, error, failures), failures };
}

/** When a read that failed is tried again, in ms; undefined where only a change helps. */
export function nextTry(
  deps: Pick<SourceDependencies, 'now' | 'random'>,
  error: PequodError,
  failures: number,
): number | undefined {
  if (error.retry === 'never') return undefined;
  const delayMs =
    error.retry === 'backoff'
      ? exponentialBackoff(DEFAULT_BACKOFF, failures, deps.random)
      : withJitter(error.retry.afterMs, RETRY_JITTER, deps.random);
  return deps.now() + delayMs;
}

function contextOf(deps: SourceDependencies, transform: Transform): SourceContext {
  return {
    namespace: transform.metadata.namespace ?? '',
    configMaps: { readConfigMap: readerOf(deps, transform, CONFIG_MAPS) },
    secrets: { readSecret: readerOf(deps, transform, SECRETS) },
    maxAgeMs: 0,
  };
}

/** Reads objects of a kind as the Transform's ServiceAccount; undefined where there is none of that name. */
export function readerOf(
  deps: Pick<SourceDependencies, 'tenancy'>,
  transform: Transform,
  resource: Resource,
): SourceContext['configMaps']['readConfigMap'] {
  const serviceAccount = deps.tenancy.serviceAccountOf(transform.spec);
  return async (namespace, name, signal) => {
    const client = await deps.tenancy.clientFor(namespace, serviceAccount, signal);
    try {
      return await client.get(resource, { namespace, name }, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isForbidden(error)) deps.tenancy.forget(namespace, serviceAccount);
      throw error;
    }
  };
}
