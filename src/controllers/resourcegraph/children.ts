// Watches of what graphs have applied: one informer per group, version and kind, shared by all graphs, selected by our
// label, registered before the first apply. They keep observations, never objects.
import type { GroupVersionKind, KubeObject, NamespacedName, ObjectIdentity } from '../../api/index.ts';
import type { Observation } from '../../apply/index.ts';
import { WaitingError } from '../../errors.ts';
import {
  gvkKey,
  type InformerHandle,
  type InformerSet,
  type InformerState,
  type Resource,
} from '../../kube/index.ts';

/** Name of the informers' index by the id of the graph that a child belongs to. */
export const GRAPH_INDEX = 'graph' as const;

/** How long the first list of a kind may take before the graphs that need it are put off. */
const SYNC_TIMEOUT_MS = 30_000;
/** When to look again at a kind that can't be watched; a change of the watch's state comes earlier. */
const UNWATCHED_RETRY_MS = 30_000;

/** The watches that one graph holds, by kind. */
interface Handles {
  readonly graph: NamespacedName;
  readonly kinds: Map<string, InformerHandle<Observation>>;
}

/** Told of a change of a child: the graph it belongs to, what it is, and whether a list told of it. */
export type ChildListener = (graphId: string, identity: ObjectIdentity, isFromList: boolean) => void;

export class Children {
  readonly #informers: InformerSet<Observation>;
  readonly #handles = new Map<string, Handles>();
  readonly #listeners = new Set<ChildListener>();

  constructor(informers: InformerSet<Observation>) {
    this.#informers = informers;
    informers.onChange((event, { resource }) => {
      const identity = { group: resource.group, kind: resource.kind, ...event.key };
      const graphIds = new Set([event.current?.graphId, event.previous?.graphId]);
      for (const graphId of graphIds) {
        if (graphId !== undefined) this.#tell(graphId, identity, event.isFromList);
      }
    });
  }

  /** Calls `listener` after each change of a child of any graph. @returns what ends it. */
  onChange(listener: ChildListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Makes sure that the kind is watched for this graph and that its first list is in.
   * @throws WaitingError (`KIND_NOT_WATCHED`) where the kind can't be listed, or not in time.
   */
  async watch(graph: NamespacedName, resource: Resource, signal: AbortSignal): Promise<void> {
    const { informer } = this.#acquire(graph, resource);
    if (informer.hasSynced) return;
    // A list that is refused is not waited for: the graph is told when that changes.
    const refused = new AbortController();
    const notice = (state: InformerState): void => {
      if (state === 'Forbidden' || state === 'NotServed') refused.abort();
    };
    const endNotice = informer.onStateChange(notice);
    notice(informer.state);
    try {
      const limit = AbortSignal.timeout(SYNC_TIMEOUT_MS);
      await informer.waitForSync(AbortSignal.any([signal, limit, refused.signal]));
    } catch (error) {
      signal.throwIfAborted();
      throw new WaitingError(`${resource.kind} objects can't be watched: ${describeState(informer.state)}`, {
        code: 'KIND_NOT_WATCHED',
        reason: 'KindNotWatched',
        afterMs: UNWATCHED_RETRY_MS,
        cause: error,
      });
    } finally {
      endNotice();
    }
  }

  /** Gives up the kinds that a graph does not need any more; all of them where `needed` is empty. */
  release(graph: NamespacedName, needed: ReadonlySet<string>): void {
    const handles = this.#handles.get(graphKey(graph));
    if (handles === undefined) return;
    for (const [kind, handle] of handles.kinds) {
      if (needed.has(kind)) continue;
      handle.release();
      handles.kinds.delete(kind);
    }
    if (handles.kinds.size === 0) this.#handles.delete(graphKey(graph));
  }

  /** What the watch last saw of an object, or of our own write to it. */
  observation(
    graph: NamespacedName,
    kind: GroupVersionKind,
    identity: ObjectIdentity,
  ): Observation | undefined {
    const handle = this.#handles.get(graphKey(graph))?.kinds.get(gvkKey(kind));
    return handle?.informer.get(identity.namespace, identity.name);
  }

  /** Everything that carries the label of the graph, of the kinds that are watched for it. */
  withLabel(
    graph: NamespacedName,
    graphId: string,
  ): readonly { readonly resource: Resource; readonly observation: Observation }[] {
    const handles = [...(this.#handles.get(graphKey(graph))?.kinds.values() ?? [])];
    return handles.flatMap(({ informer }) =>
      informer
        .byIndex(GRAPH_INDEX, graphId)
        .map((observation) => ({ resource: informer.resource, observation })),
    );
  }

  /** Shows the answer of our own write until the watch delivers it. */
  observeOwnWrite(graph: NamespacedName, resource: Resource, object: KubeObject): void {
    this.#handles.get(graphKey(graph))?.kinds.get(gvkKey(resource))?.informer.observeOwnWrite(object);
  }

  /** Takes in what was read of an object whose version the watch may have seen, projected anew. */
  observeAgain(graph: NamespacedName, resource: Resource, object: KubeObject): void {
    this.#handles.get(graphKey(graph))?.kinds.get(gvkKey(resource))?.informer.observeAgain(object);
  }

  /** Calls `listener` with every graph that needs a kind whose watch came up or broke. @returns what ends it. */
  onWatchState(listener: (graph: NamespacedName) => void): () => void {
    return this.#informers.onStateChange((informer, state) => {
      if (state !== 'Live' && state !== 'NotServed') return;
      const kind = gvkKey(informer.resource);
      for (const { graph, kinds } of this.#handles.values()) if (kinds.has(kind)) listener(graph);
    });
  }

  #tell(graphId: string, identity: ObjectIdentity, isFromList: boolean): void {
    for (const listener of this.#listeners) listener(graphId, identity, isFromList);
  }

  #acquire(graph: NamespacedName, resource: Resource): InformerHandle<Observation> {
    const kind = gvkKey(resource);
    let handles = this.#handles.get(graphKey(graph));
    if (handles === undefined) {
      handles = { graph, kinds: new Map() };
      this.#handles.set(graphKey(graph), handles);
    }
    const known = handles.kinds.get(kind);
    if (known !== undefined) return known;
    const handle = this.#informers.acquire(resource);
    handles.kinds.set(kind, handle);
    return handle;
  }
}

function graphKey(graph: NamespacedName): string {
  return `${graph.namespace}/${graph.name}`;
}

function describeState(state: string): string {
  switch (state) {
    case 'Forbidden':
      return 'the operator may not list or watch them';
    case 'NotServed':
      return 'the API server does not serve the kind';
    default:
      return 'their first list has not come in yet';
  }
}
