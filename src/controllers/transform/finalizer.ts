import { type KubeObject, OPERATOR_FIELD_MANAGER, TRANSFORM_FINALIZER } from '../../api/index.ts';
import { isNotFound, keyOf, TRANSFORMS } from '../../kube/index.ts';
import { addFinalizerPatch, removeFinalizerPatch } from '../../runtime/index.ts';
import type { TransformDependencies } from './dependencies.ts';

type FinalizerDependencies = Pick<TransformDependencies, 'operator' | 'transforms'>;

const OPTIONS = { fieldManager: OPERATOR_FIELD_MANAGER } as const;

/** The Transform with our finalizer: nothing may be created for one without it. @throws `isConflict`: look again */
export async function ensureFinalizer(
  deps: FinalizerDependencies,
  transform: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  const patch = addFinalizerPatch(transform, TRANSFORM_FINALIZER);
  if (patch === undefined) return transform;
  const patched = await deps.operator.jsonPatch(TRANSFORMS, keyOf(transform), patch, OPTIONS, signal);
  deps.transforms.observeOwnWrite(patched);
  return patched;
}

/** Lets the Transform go. @throws `isConflict`: look again */
export async function releaseFinalizer(
  deps: FinalizerDependencies,
  transform: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const patch = removeFinalizerPatch(transform, TRANSFORM_FINALIZER);
  if (patch === undefined) return;
  try {
    await deps.operator.jsonPatch(TRANSFORMS, keyOf(transform), patch, OPTIONS, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
