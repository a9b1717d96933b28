import type { CueRef } from '../api/index.ts';
import type { ModuleSource, Resolution } from './module-source.ts';
import { DEFAULT_TREE_LIMITS, type ModuleTree, moduleTree, type TreeLimits } from './module-tree.ts';

/** The one file of an inline module, as it appears in positions: `inline.cue:3:5`. */
const INLINE_FILE = 'inline.cue';

/** Modules whose CUE text is the reference itself. */
export class InlineSource implements ModuleSource {
  readonly #limits: TreeLimits;

  constructor(limits: TreeLimits = DEFAULT_TREE_LIMITS) {
    this.#limits = limits;
  }

  async resolve(ref: CueRef): Promise<Resolution> {
    return { digest: this.#tree(ref).digest };
  }

  async fetch(ref: CueRef): Promise<ModuleTree> {
    return this.#tree(ref);
  }

  #tree(ref: CueRef): ModuleTree {
    return moduleTree([[INLINE_FILE, ref.ref]], this.#limits);
  }
}
