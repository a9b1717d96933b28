import type { Ground } from '../../campaign/namespace.ts';
import type { World } from '../../campaign/world.ts';

/** One thing that happens to a Transform, from a settled state to a settled state. */
export interface Scenario {
  readonly name: string;
  /** What there is before: the Transform, and what users keep beside it. */
  readonly base: Ground;
  /**
   * What happens once the base has settled. Undefined where the base itself is what happens: then the operator's start is
   * part of the run, with its discovery and first lists.
   */
  readonly act?: (world: World) => Promise<void>;
  /** What becomes of the Transform. */
  readonly end: 'ready' | 'gone';
}
