import type { FileMap } from '../archive/index.ts';
import type { OciReference, RegistryAccess, RegistryReader } from '../registry/index.ts';
import { readArtifactFiles } from '../source/index.ts';

export interface PulledModule {
  /** Of what the reference names. */
  readonly digest: string;
  /** All files of the artefact, those too that CUE does not read. */
  readonly files: FileMap;
}

/** Fetches a module of any layout that the operator takes. @throws SourceError */
export async function pullModule(
  registry: RegistryReader,
  reference: OciReference,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<PulledModule> {
  const { rootDigest, value } = await registry.resolve(reference, access, signal);
  const files = await readArtifactFiles(value, (layer) => registry.blob(reference, layer, access, signal));
  return { digest: rootDigest, files };
}
