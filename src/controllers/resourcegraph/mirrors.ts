// Objects that a graph only reads: each watched by its name, with the rights of the graph's ServiceAccount, shared by all
// graphs that read it as the same account. Nothing of them is ever in the inventory, and nothing here can write.
import { gvkOf, type KubeObject, type NamespacedName } from '../../api/index.ts';
import { type Answers, type Observation, observe } from '../../apply/index.ts';
import type { Readiness } from '../../graph/index.ts';
import {
  gvkKey,
  type InformerHandle,
  type InformerSet,
  type InformerState,
  type Resource,
  type TenantClient,
} from '../../kube/index.ts';
import { KIND_NOT_SERVED } from './kinds.ts';

/** An object to be read. */
export interface MirrorRequest {
  readonly client: TenantClient;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  /** What the expressions of the node come to. */
  readonly answersOf: (object: KubeObject) => Answers | undefined;
}

/** What is known of a mirrored object. */
export interface MirrorView {
  /** Undefined where there is none, or where nothing is known. */
  readonly observation: Observation | undefined;
  /** Why nothing can be known. */
  readonly problem?: Readiness;
}

/**
 * What the watches keep. The object, since several graphs may ask different things of it, but not who owns its fields,
 * and never the data of a Secret.
 */
export function mirrorProjection(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  const { group, kind } = gvkOf(object);
  if (group !== '' || kind !== 'Secret') return { ...object, metadata };
  const { data: _data, stringData: _stringData, ...rest } = object;
  return { ...rest, metadata };
}

interface Handles {
  readonly graph: NamespacedName;
  readonly byKey: Map<string, InformerHandle<KubeObject>>;
}

/** How long the first look at an object may take before it counts as not there yet. */
const SYNC_TIMEOUT_MS = 30_000;

export class Mirrors {
  readonly #informers: InformerSet<KubeObject>;
  readonly #handles = new Map<string, Handles>();

  constructor(informers: InformerSet<KubeObject>) {
    this.#informers = informers;
  }

  /** Calls `listener` with each graph that reads an object which changed, or can be read again. @returns what ends it. */
  onChange(listener: (graph: NamespacedName) => void): () => void {
    const tell = (changed: unknown): void => {
      for (const { graph, byKey } of this.#handles.values()) {
        if ([...byKey.values()].some(({ informer }) => informer === changed)) listener(graph);
      }
    };
    const endChange = this.#informers.onChange((_, informer) => tell(informer));
    const endState = this.#informers.onStateChange((informer, state) => {
      if (state === 'Live' || state === 'Forbidden' || state === 'NotServed') tell(informer);
    });
    return () => {
      endChange();
      endState();
    };
  }

  /** What is there now; the first time it waits for the first answer. */
  async view(graph: NamespacedName, request: MirrorRequest, signal: AbortSignal): Promise<MirrorView> {
    const { informer } = this.#acquire(graph, request);
    if (!informer.hasSynced) {
      const settled = new AbortController();
      const notice = (state: InformerState): void => {
        if (state === 'Forbidden' || state === 'NotServed') settled.abort();
      };
      const endNotice = informer.onStateChange(notice);
      notice(informer.state);
      const limit = AbortSignal.any([signal, settled.signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]);
      await informer.waitForSync(limit).catch(() => signal.throwIfAborted());
      endNotice();
    }
    const problem = problemOf(informer.state, informer.hasSynced, request);
    if (problem !== undefined) return { observation: undefined, problem };
    const object = informer.get(request.namespace, request.name);
    if (object === undefined) return { observation: undefined };
    const { answersOf } = request;
    return { observation: observe(object, { answersOf, ignoredPointersOf: () => [] }) };
  }

  /** Gives up what a graph reads no longer; all of it where `needed` is empty. */
  release(graph: NamespacedName, needed: readonly MirrorRequest[] = []): void {
    const key = `${graph.namespace}/${graph.name}`;
    const handles = this.#handles.get(key);
    if (handles === undefined) return;
    const kept = new Set(needed.map(keyOf));
    for (const [mirror, handle] of handles.byKey) {
      if (kept.has(mirror)) continue;
      handle.release();
      handles.byKey.delete(mirror);
    }
    if (handles.byKey.size === 0) this.#handles.delete(key);
  }

  #acquire(graph: NamespacedName, request: MirrorRequest): InformerHandle<KubeObject> {
    const key = `${graph.namespace}/${graph.name}`;
    let handles = this.#handles.get(key);
    if (handles === undefined) {
      handles = { graph, byKey: new Map() };
      this.#handles.set(key, handles);
    }
    const known = handles.byKey.get(keyOf(request));
    if (known !== undefined) return known;
    const { resource, client, namespace, name } = request;
    const handle = this.#informers.acquire(resource, { client, namespace, name });
    handles.byKey.set(keyOf(request), handle);
    return handle;
  }
}

function keyOf({ client, resource, namespace, name }: MirrorRequest): string {
  return [gvkKey(resource), namespace, name, client.username].join('|');
}

function problemOf(
  state: InformerState,
  hasSynced: boolean,
  { client, resource }: MirrorRequest,
): Readiness | undefined {
  if (state === 'Forbidden') {
    const { namespace, name } = client.identity;
    const message = `can't be read: service account ${namespace}/${name} may not list and watch ${resource.plural}`;
    return { state: 'waiting', reason: 'Forbidden', message };
  }
  if (state === 'NotServed') {
    return { state: 'waiting', reason: KIND_NOT_SERVED, message: "can't be read: its kind is not served" };
  }
  return hasSynced ? undefined : { state: 'waiting', reason: 'NotRead', message: "can't be read yet" };
}
