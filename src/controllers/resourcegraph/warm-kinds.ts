// Keeps the kinds watched that graphs have objects of, whoever works on these graphs: a replica that takes one over finds
// its objects already there. What can't be watched in advance is watched when it is needed; nothing rests on this but speed.
import type { GroupVersionKind, KubeObject } from '../../api/index.ts';
import type { Observation } from '../../apply/index.ts';
import { messageOf } from '../../errors.ts';
import { isJsonArray, isJsonObject } from '../../json/index.ts';
import {
  gvkKey,
  type Informer,
  type InformerHandle,
  type InformerSet,
  type RestMapper,
} from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { Runnable } from '../../runtime/index.ts';

export interface WarmKindsOptions {
  readonly graphs: Informer<KubeObject>;
  readonly informers: InformerSet<Observation>;
  readonly mapper: RestMapper;
  readonly log: Logger;
}

interface WarmKind {
  readonly kind: GroupVersionKind;
  /** Graphs that have objects of it. */
  readonly graphs: Set<string>;
  /** Undefined until its resource is known. */
  handle: InformerHandle<Observation> | undefined;
}

export class WarmKinds implements Runnable {
  readonly name = 'warm kinds';
  readonly #options: WarmKindsOptions;
  readonly #kinds = new Map<string, WarmKind>();
  readonly #ending = new AbortController();
  readonly #endWatch: () => void;

  /** To be made before the graphs' informer is started. */
  constructor(options: WarmKindsOptions) {
    this.#options = options;
    this.#endWatch = options.graphs.onChange(({ current, key }) => {
      this.#update(`${key.namespace ?? ''}/${key.name}`, current === undefined ? [] : kindsOf(current));
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async stop(): Promise<void> {
    this.#endWatch();
    this.#ending.abort(new Error('the operator is stopping'));
    for (const { handle } of this.#kinds.values()) handle?.release();
    this.#kinds.clear();
  }

  #update(graph: string, kinds: readonly GroupVersionKind[]): void {
    const needed = new Set(kinds.map(gvkKey));
    for (const kind of kinds) this.#need(graph, kind);
    for (const [id, warm] of this.#kinds) {
      if (needed.has(id) || !warm.graphs.delete(graph) || warm.graphs.size > 0) continue;
      this.#kinds.delete(id);
      warm.handle?.release();
    }
  }

  #need(graph: string, kind: GroupVersionKind): void {
    const known = this.#kinds.get(gvkKey(kind));
    if (known !== undefined) {
      known.graphs.add(graph);
      return;
    }
    const warm: WarmKind = { kind, graphs: new Set([graph]), handle: undefined };
    this.#kinds.set(gvkKey(kind), warm);
    void this.#watch(warm);
  }

  async #watch(warm: WarmKind): Promise<void> {
    const { informers, log, mapper } = this.#options;
    const id = gvkKey(warm.kind);
    try {
      const resource = await mapper.resolve(warm.kind, this.#ending.signal);
      if (this.#kinds.get(id) !== warm) return;
      // The next graph that has objects of it asks again.
      if (resource === undefined) this.#kinds.delete(id);
      else warm.handle = informers.acquire(resource);
    } catch (error) {
      if (this.#kinds.get(id) === warm) this.#kinds.delete(id);
      log.debug({ kind: warm.kind.kind, problem: messageOf(error) }, 'kind can not be watched in advance');
    }
  }
}

/** The kinds of what a graph's inventory has; the graph may be of any shape. */
function kindsOf(graph: KubeObject): readonly GroupVersionKind[] {
  const { status } = graph;
  const inventory = isJsonObject(status) ? status['inventory'] : undefined;
  const items = isJsonObject(inventory) ? inventory['items'] : undefined;
  const kinds = new Map<string, GroupVersionKind>();
  for (const item of isJsonArray(items) ? items : []) {
    if (!isJsonObject(item)) continue;
    const { group, version, kind } = item;
    if (typeof group !== 'string' || typeof version !== 'string' || typeof kind !== 'string') continue;
    kinds.set(gvkKey({ group, version, kind }), { group, version, kind });
  }
  return [...kinds.values()];
}
