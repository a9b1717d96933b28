// The check before a push: the module is compiled as the operator would, with what it imports from registries.
import { fileURLToPath } from 'node:url';
import type { FileMap } from '../archive/index.ts';
import type { OciReference } from '../registry/index.ts';
import { checkModule, createEvaluatorPool } from '../render/index.ts';
import {
  type CueRegistries,
  cueTree,
  type FetchedModule,
  hasDependencies,
  loadEmbeddedLibrary,
  ModuleDependencies,
  readArtifact,
} from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import type { RegistrySession } from './registry-access.ts';

export interface CheckPlace {
  /** In front of positions, so that they are where the reader finds them. */
  readonly folder: string;
  readonly registries: CueRegistries;
  readonly session: RegistrySession;
}

/** @throws CliError whose message is everything that is wrong, a line each */
export async function checkFiles(
  files: FileMap,
  { folder, registries, session }: CheckPlace,
  signal: AbortSignal,
): Promise<void> {
  const tree = cueTree(files, 'the module');
  const library = await loadEmbeddedLibrary(fileURLToPath(new URL('../../cue', import.meta.url)));
  const fetch = (reference: OciReference): Promise<FetchedModule> => fetchModule(session, reference, signal);
  const dependencies = hasDependencies(tree)
    ? { dependencies: new ModuleDependencies(registries).loaderFor(tree, { scope: 'push', fetch }) }
    : {};
  const pool = await createEvaluatorPool({ maxWorkers: 1 });
  try {
    const problems = await checkModule({ tree, ...dependencies }, pool, library, signal);
    if (problems.length === 0) return;
    const prefix = folder.replace(/\/+$/, '');
    const lines = problems.map(({ path, message, position }) => {
      const place = position === undefined ? prefix : `${prefix}/${position}`;
      return `${place}: error: ${path === '' ? '' : `${path}: `}${message}`;
    });
    throw new CliError(lines.join('\n'), EXIT_CODES.failure);
  } finally {
    await pool.close();
  }
}

async function fetchModule(
  session: RegistrySession,
  reference: OciReference,
  signal: AbortSignal,
): Promise<FetchedModule> {
  const { registry } = session;
  const access = session.accessTo(reference);
  const { digest, value } = await registry.resolve(reference, access, signal);
  const tree = await readArtifact(value, (layer) => registry.blob(reference, layer, access, signal));
  return { digest, tree };
}
