// A module before it is published: does every package of it compile, with all that it imports? There is no input, so that
// what is open stays open; only what no input could put right is an error.
import type { Violation } from '../api/index.ts';
import {
  type DependencyLoader,
  type EmbeddedLibrary,
  type ModuleTree,
  packageFolders,
} from '../source/index.ts';
import { cueModule } from './contract.ts';
import { toViolations } from './diagnostics.ts';
import type { CueEvaluator } from './evaluator.ts';
import { mentionsObserved, packageFiles } from './observed.ts';

export interface ModuleCheck {
  readonly tree: ModuleTree;
  /** For what the module imports from others. */
  readonly dependencies?: DependencyLoader;
}

/** What is wrong with any package of the module, each once; empty where nothing is. */
export async function checkModule(
  module: ModuleCheck,
  evaluator: CueEvaluator,
  library: EmbeddedLibrary,
  signal: AbortSignal,
): Promise<readonly Violation[]> {
  const builtins = Object.fromEntries(library.common.files);
  const found = new Map<string, Violation>();
  for (const packagePath of packageFolders(module.tree)) {
    for (const name of packageNames(module.tree, packagePath)) {
      const question = { ...module, packagePath };
      const outcome = await evaluator.evaluate(
        {
          module: cueModule(question, builtins, mentionsObserved(question)),
          package: name,
          queries: [{ type: 'validate', path: '' }],
        },
        { signal },
      );
      const errors = outcome.ok ? (outcome.results[0]?.errors ?? []) : outcome.errors;
      for (const violation of toViolations(errors, module.tree))
        found.set(JSON.stringify(violation), violation);
    }
  }
  return [...found.values()];
}

/** The packages of a folder, as the evaluator takes them. Files of tools and tests are no part of one. */
function packageNames(tree: ModuleTree, folder: string): readonly string[] {
  const own = packageFiles(tree.files, folder).filter(
    ([path]) => !/(?:^|\/)[._][^/]*$|_(?:tool|test)\.cue$/.test(path),
  );
  if (own.length === 0) return [];
  const names = own.flatMap(([, text]) => /^package[ \t]+([\p{L}\p{N}_$]+)/mu.exec(text)?.[1] ?? []);
  const different = [...new Set(names)];
  if (different.length < 2) return [folder];
  return different.map((name) => `${folder === '.' ? '.' : `./${folder}`}:${name}`);
}
