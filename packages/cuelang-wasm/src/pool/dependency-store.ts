import type { CueDiagnostic } from '../diagnostic.ts';
import type { CueModule } from '../module-source.ts';
import type { SuppliedDependency } from './messages.ts';

/** Modules whose dependencies are remembered, least recently used out first. */
const MAX_MODULES = 64;
/** Module versions that one module may pull in. */
const MAX_VERSIONS = 500;

/**
 * Fetches what modules depend on, and remembers it, so that a replaced worker
 * can be given a module again without fetching.
 */
export class DependencyStore {
  readonly #byModule = new Map<string, Map<string, SuppliedDependency>>();

  /** What was supplied so far for a module. */
  of(moduleId: string): readonly SuppliedDependency[] {
    return [...(this.#byModule.get(moduleId)?.values() ?? [])];
  }

  /** Fetches what a module needs. Errors are the module's; a rejection is the loader's. */
  async supply(
    module: CueModule,
    needs: readonly { readonly path: string; readonly version: string }[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<readonly CueDiagnostic[]> {
    const load = module.dependencies;
    if (load === undefined) {
      return needs.map((it) =>
        importError(`the module depends on ${it.path} ${it.version}, which is not supplied`),
      );
    }
    const known = this.#byModule.get(module.id) ?? new Map<string, SuppliedDependency>();
    if (known.size + needs.length > MAX_VERSIONS) {
      return [importError(`the module depends on over ${MAX_VERSIONS} module versions`)];
    }
    const supplied = await Promise.all(
      needs.map(async (it) => ({ ...it, files: await load(it.path, it.version, signal) })),
    );
    const merged = this.#byModule.get(module.id) ?? known;
    for (const it of supplied) merged.set(`${it.path} ${it.version}`, it);
    this.#byModule.delete(module.id);
    this.#byModule.set(module.id, merged);
    const [oldest] = this.#byModule.keys();
    if (this.#byModule.size > MAX_MODULES && oldest !== undefined) this.#byModule.delete(oldest);
    return [];
  }
}

function importError(message: string): CueDiagnostic {
  return { kind: 'import', path: '', message, positions: [] };
}
