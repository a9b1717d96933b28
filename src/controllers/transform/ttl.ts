// Phase "ttl": a Transform with a `ttl` is deleted that long after it was first Ready; one that never came to be Ready,
// that long after its progress deadline. The deletion is an ordinary one, of this very version of the object: finalizer,
// graph and objects go their usual way, and a Transform that somebody changes at that moment is looked at again.
import { durationMs, type Transform } from '../../api/index.ts';
import { isNotFound, TRANSFORMS } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { TransformDependencies } from './dependencies.ts';

const DEFAULT_PROGRESS_DEADLINE_MS = 10 * 60_000;

/** When the Transform is to be deleted, in ms; undefined where it stays: it has no ttl, or is suspended. */
export function expiryMs({ metadata, spec, status }: Transform): number | undefined {
  const ttlMs = spec.ttl === undefined ? undefined : durationMs(spec.ttl);
  if (ttlMs === undefined || spec.suspend === true) return undefined;
  if (status?.firstReadyAt !== undefined) return Date.parse(status.firstReadyAt) + ttlMs;
  const deadlineMs = durationMs(spec.progressDeadline ?? '') ?? DEFAULT_PROGRESS_DEADLINE_MS;
  return Date.parse(metadata.creationTimestamp ?? '') + deadlineMs + ttlMs;
}

/**
 * Deletes a Transform whose time is over.
 * @returns true where it was deleted: the pass has nothing more to do
 * @throws as the API server answers: `isConflict` means "look again"
 */
export async function deleteExpired(
  deps: Pick<TransformDependencies, 'now' | 'operator'>,
  transform: Transform,
  log: Logger,
  signal: AbortSignal,
): Promise<boolean> {
  const atMs = expiryMs(transform);
  if (atMs === undefined || deps.now() < atMs) return false;
  const { namespace, name, uid, resourceVersion } = transform.metadata;
  const guard = { uid, resourceVersion, propagationPolicy: 'Background' } as const;
  try {
    await deps.operator.delete(TRANSFORMS, { namespace, name }, guard, signal);
    log.info({ ttl: transform.spec.ttl }, 'ttl is over, Transform is deleted');
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return true;
}
