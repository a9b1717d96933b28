// Sources as a pass asks them. A registry or a git server answers when it likes, and there may be nothing that tells of its
// answer but the request itself: so the pass waits for it, and others get its place meanwhile.
import type { Aside } from '../../runtime/index.ts';
import type { DependencyLoader } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';

type Sources = TransformDependencies['sources'];

/** The same sources, waited for aside; so are those that a module imports from. */
export function sourcesAside(sources: Sources, aside: Aside): Sources {
  return {
    resolve: (ref, context, signal) => aside(sources.resolve(ref, context, signal)),
    fetch: async (ref, resolution, context, signal) => {
      const module = await aside(sources.fetch(ref, resolution, context, signal));
      return module.dependencies === undefined
        ? module
        : { ...module, dependencies: loaderAside(module.dependencies, aside) };
    },
    folderOf: (ref) => sources.folderOf(ref),
    isMoving: (ref) => sources.isMoving(ref),
  };
}

function loaderAside(loader: DependencyLoader, aside: Aside): DependencyLoader {
  return {
    scope: loader.scope,
    load: (module, version, signal) => aside(loader.load(module, version, signal)),
    chosen: () => loader.chosen(),
  };
}
