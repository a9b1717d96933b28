import type { LiveRenders, RevisionPin, Violation } from '../../api/index.ts';
import type { PequodError } from '../../errors.ts';
import type { Resolution } from '../../source/index.ts';
import type { Failure } from './failure.ts';
import type { GraphView } from './graph-view.ts';
import type { RenderSummary } from './memory.ts';

/** What a pass has found. */
export interface Findings {
  /** The source's answer; undefined where it gave none. */
  readonly resolution?: Resolution | undefined;
  readonly failure?: Failure | undefined;
  /** Why the source can't be asked, while `resolution` is what it last gave for the same reference. */
  readonly silence?: PequodError | undefined;
  /** The render that is wanted; undefined where it failed or was not reached. */
  readonly summary?: RenderSummary | undefined;
  /** The graph after the pass, if it is the Transform's. */
  readonly graph?: GraphView | undefined;
  /** Why nothing can be done right now, where that is neither source, module nor graph. */
  readonly hold?: Hold | undefined;
  /** What keeps a revision running, or that nothing does; undefined where that was not looked at. */
  readonly pinning?: { readonly pin: RevisionPin | undefined } | undefined;
  /** The graph failed, and no earlier revision was ever ready. */
  readonly hasNoWayBack?: boolean;
  /** Nothing is fetched, rendered or applied. */
  readonly isSuspended?: boolean;
  /** Graphs that differ by live values only; `none` where the module reads none, undefined where nothing is new. */
  readonly liveRenders?: LiveRenders | 'none' | undefined;
  /** Warnings about the graph's size. */
  readonly sizeWarnings?: readonly Violation[] | undefined;
  /** The reconcile that was asked for and is over. */
  readonly token?: string | undefined;
}

export interface Hold {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** True where only a person can help. */
  readonly isStalled: boolean;
}

/** True where the graph holds what was rendered. */
export function isGraphCurrent({ graph, summary, failure }: Findings): boolean {
  if (graph?.spec === undefined || summary === undefined || failure !== undefined) return false;
  return graph.spec.metadata.renderHash === summary.renderHash;
}

/** True where what was rendered waits for approval. */
export function isPlanned({ graph, summary, failure }: Findings): boolean {
  return graph?.spec?.planRevision !== undefined && summary !== undefined && failure === undefined;
}
