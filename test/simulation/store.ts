// The graph object of a simulation: what is wanted, and the status, which is all that survives an operator.
import type { Inventory, NodeStatuses } from '../../src/api/index.ts';
import type { WantedGraph } from './graphs.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export interface StoredStatus {
  readonly inventory: Inventory;
  readonly statuses: NodeStatuses;
  /** The generation that the statuses speak of. */
  readonly generation: number;
}

/** Longest time until the operator hears of a change of the graph. */
const WATCH_DELAY_MS = 30;

export class GraphStore {
  wanted: WantedGraph;
  isDeleted = false;
  /** The finalizer has left: nobody will look after the objects any more. */
  isGone = false;
  status: StoredStatus | undefined;
  readonly #timeline: Timeline;
  readonly #random: Random;
  #listener: (() => void) | undefined;

  constructor(timeline: Timeline, random: Random, wanted: WantedGraph) {
    this.#timeline = timeline;
    this.#random = random;
    this.wanted = wanted;
  }

  /** One operator watches at a time. */
  watch(listener: () => void): void {
    this.#listener = listener;
  }

  change(wanted: WantedGraph): void {
    this.wanted = wanted;
    this.#tell();
  }

  delete(): void {
    this.isDeleted = true;
    this.#tell();
  }

  #tell(): void {
    this.#timeline.after(this.#random.between(0, WATCH_DELAY_MS), () => this.#listener?.());
  }
}
