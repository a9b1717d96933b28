import { isSourceError, SourceError } from '../errors.ts';
import type { OciReference, RegistryAccess, RegistryReader, RegistryWriter } from '../registry/index.ts';
import type { ModuleArtifact } from './module-artifact.ts';

/**
 * What became of a push.
 * - `pushed`: the tag now names the module.
 * - `unchanged`: it did before.
 * - `taken`: it names something else, and was left alone.
 */
export type PushOutcome =
  | { readonly state: 'pushed' | 'unchanged' }
  | { readonly state: 'taken'; readonly by: string };

export interface PushOptions {
  /** Whether a tag that names something else is moved. */
  readonly isMoving: boolean;
}

/**
 * Uploads a module, and then puts it under the reference's tag: whoever is interrupted leaves bytes that nothing names.
 * Registries have no write that only creates, so two pushes at the same moment may both find the tag free; the last wins.
 * @throws SourceError as the registry's client
 */
export async function pushModule(
  registry: RegistryReader & RegistryWriter,
  reference: OciReference,
  artifact: ModuleArtifact,
  { isMoving }: PushOptions,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<PushOutcome> {
  const before = await digestBehind(registry, reference, access, signal);
  if (before === artifact.digest) return { state: 'unchanged' };
  if (before !== undefined && !isMoving) return { state: 'taken', by: before };
  for (const blob of artifact.blobs) await registry.pushBlob(reference, blob, access, signal);
  const digest = await registry.pushManifest(reference, artifact.manifest, access, signal);
  if (digest === artifact.digest) return { state: 'pushed' };
  throw new SourceError(
    'SOURCE_DIGEST',
    `the registry has ${digest} for what was sent as ${artifact.digest}`,
  );
}

async function digestBehind(
  registry: RegistryReader,
  reference: OciReference,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await registry.digest(reference, access, signal);
  } catch (error) {
    if (isSourceError(error, 'SOURCE_NOT_FOUND')) return undefined;
    throw error;
  }
}
