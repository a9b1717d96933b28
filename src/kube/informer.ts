// A live, projected copy of one selection of one resource, which keeps itself going: whatever happens to its stream it
// tries again, with growing delays, until `stop()`. A kind that is not served any more, or rights that were taken away,
// are states and never an empty store: what was known stays until the server itself says that it is gone.
import type { KubeObject } from '../api/index.ts';
import { assertNever, messageOf, PequodError, WaitingError } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import { pause, untilAborted } from './abort.ts';
import { catchUp } from './catch-up.ts';
import type { KubeClient } from './client.ts';
import { isExpired, isForbidden, isKindNotServed } from './errors.ts';
import { type InformerEvent, ObjectStore, type ObjectStoreOptions, type Version } from './object-store.ts';
import type { Reachability } from './reachability.ts';
import { Reflector, type WatchTiming } from './reflector.ts';
import { keyOf, type Resource, resourceLabel } from './resource.ts';
import { RetryPolicy, type RetryTiming } from './retry-policy.ts';

/**
 * - `Starting`: no list is complete yet.
 * - `Live`: changes arrive as they happen.
 * - `Retrying`: the stream is broken and will be opened again.
 * - `NotServed`: the server does not serve the kind; looked at again slowly, or at once by `retryNow()`.
 * - `Forbidden`: the identity may not list or watch it; likewise.
 * - `Stopped`: for good.
 */
export type InformerState = 'Starting' | 'Live' | 'Retrying' | 'NotServed' | 'Forbidden' | 'Stopped';

export interface InformerOptions<T> extends ObjectStoreOptions<T> {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly isMetadataOnly?: boolean | undefined;
  /**
   * What is kept of an object; all else is forgotten. Gets it whole, with managedFields. Where it throws, the object is
   * logged and passed over, and an earlier version of it stays.
   */
  readonly project: (object: KubeObject) => T;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly timing?: WatchTiming & RetryTiming;
  /** Says when a server that was away is back: it is then asked at once. */
  readonly reachability?: Pick<Reachability, 'onBack'> | undefined;
}

export type ChangeHandler<T> = (event: InformerEvent<T>) => void;
export type StateHandler = (state: InformerState, error: PequodError | undefined) => void;

/** How long the watch must have gone on past a write before its echo is not waited for any more. */
const ECHO_PATIENCE_MS = 30_000;

export class Informer<T> {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly #options: InformerOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #reflector: Reflector;
  readonly #retries: RetryPolicy;
  readonly #changeHandlers: Set<ChangeHandler<T>> = new Set();
  readonly #stateHandlers: Set<StateHandler> = new Set();
  readonly #stopping: AbortController = new AbortController();
  readonly #synced: PromiseWithResolvers<void> = Promise.withResolvers();
  #listed: Set<string> | undefined;
  #hasSynced = false;
  #state: InformerState = 'Starting';
  #lastError: PequodError | undefined;
  #heardAtMs: number;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #endBack: (() => void) | undefined;

  constructor(options: InformerOptions<T>) {
    const { client, resource, timing = {}, random, now } = options;
    const { namespace, labelSelector, fieldSelector, isMetadataOnly } = options;
    this.resource = resource;
    this.namespace = namespace;
    this.#options = options;
    this.#store = new ObjectStore(options);
    const select = { namespace, labelSelector, fieldSelector, isMetadataOnly };
    this.#reflector = new Reflector({ client, resource, select, timing, random }, this.#sink());
    this.#retries = new RetryPolicy(timing, random, now);
    this.#heardAtMs = now();
    this.#synced.promise.catch(() => undefined);
  }

  /** Begins to list and watch. An informer runs once: what was stopped stays stopped. */
  start(): void {
    this.#running ??= this.#run();
    this.#endBack ??= this.#options.reachability?.onBack(() => this.retryNow());
  }

  /** Ends the stream; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#endBack?.();
    this.#stopping.abort(
      new WaitingError('informer was stopped', { code: 'INFORMER_STOPPED', afterMs: 1_000 }),
    );
    await this.#running;
    this.#setState('Stopped', undefined);
    this.#synced.reject(this.#stopping.signal.reason);
  }

  get state(): InformerState {
    return this.#state;
  }

  /** Why it is not `Live`, where an error is the reason. */
  get lastError(): PequodError | undefined {
    return this.#lastError;
  }

  /** True once a list was complete; stays true. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Time since the server was last heard: an event, a bookmark, a page of a list. */
  get secondsSinceLastEvent(): number {
    return Math.max(0, (this.#options.now() - this.#heardAtMs) / 1000);
  }

  /** @throws the signal's reason, or WaitingError (`INFORMER_STOPPED`). */
  async waitForSync(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#synced.promise, signal);
  }

  /**
   * Resolves when everything that the server has now has been taken in: who takes over from another process must not act
   * on what was before that process's last write. One list of metadata where nothing is behind. What is not listed yet is
   * waited for instead.
   * @param isConcerned which objects have to be new, by their metadata
   * @throws as the list; the signal's reason
   */
  async catchUp(isConcerned: (object: KubeObject) => boolean, signal: AbortSignal): Promise<void> {
    if (this.#running === undefined) return await this.waitForSync(signal);
    await this.waitForSync(signal);
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const select = { namespace, labelSelector, fieldSelector, isMetadataOnly: true };
    await catchUp({ client, resource, select, store: this.#store, isConcerned }, signal);
  }

  /** What is known of one object; no namespace for cluster-scoped kinds. */
  get(namespace: string | undefined, name: string): T | undefined {
    return this.#store.get(namespace, name);
  }

  values(): readonly T[] {
    return this.#store.values();
  }

  get size(): number {
    return this.#store.size;
  }

  /** Objects for which the declared index gives this value. @throws RangeError for an index that was not declared. */
  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /**
   * Calls `handler` after each change of the store, from now on. What it throws is logged; it should do no more than
   * note down a key. @returns what ends it.
   */
  onChange(handler: ChangeHandler<T>): () => void {
    this.#changeHandlers.add(handler);
    return () => this.#changeHandlers.delete(handler);
  }

  /** Calls `handler` when {@link state} changes. @returns what ends it. */
  onStateChange(handler: StateHandler): () => void {
    this.#stateHandlers.add(handler);
    return () => this.#stateHandlers.delete(handler);
  }

  /** Cuts short a wait: the kind or the rights may be back. */
  retryNow(): void {
    this.#retries.reset();
    this.#wake();
  }

  /** Shows the answer of a write of our own until the watch delivers it, which it has to soon. Handlers are not called. */
  observeOwnWrite(object: KubeObject): void {
    const version = this.#versionOf(object);
    if (version === undefined) return;
    const isDue = this.#store.observeOwnWrite(keyOf(object), version, this.#options.now());
    if (isDue) this.#reflector.expectNews();
  }

  /** Takes in an object that was read because its projection lacks something. Handlers are not called. */
  observeAgain(object: KubeObject): void {
    const version = this.#versionOf(object);
    if (version !== undefined) this.#store.observeAgain(keyOf(object), version, this.#options.now());
  }

  #versionOf(object: KubeObject): Version<T> | undefined {
    const { uid = '', resourceVersion = '' } = object.metadata;
    const projected = this.#project(object);
    return projected === undefined ? undefined : { uid, resourceVersion, value: projected.value };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const delayMs = await this.#attempt(signal);
      if (delayMs <= 0 || signal.aborted) continue;
      const { done, wake } = pause(delayMs, signal);
      this.#wake = wake;
      await done;
    }
  }

  /** One stream. @returns how long to wait before the next. */
  async #attempt(signal: AbortSignal): Promise<number> {
    this.#retries.begin();
    try {
      await this.#reflector.run(signal);
      if (signal.aborted) return 0;
      const delayMs = this.#retries.afterEnd();
      if (delayMs > 0) this.#setState('Retrying', undefined);
      return delayMs;
    } catch (error) {
      return signal.aborted ? 0 : this.#failed(error);
    }
  }

  #failed(thrown: unknown): number {
    const error = thrown instanceof PequodError ? thrown : undefined;
    if (error === undefined) this.#options.log.error({ err: thrown, ...this.#labels() }, 'informer failed');
    if (isExpired(thrown)) {
      this.#reflector.forget();
      return this.#retries.afterExpiry();
    }
    if (isKindNotServed(thrown)) {
      this.#reflector.forget();
      this.#setState('NotServed', error);
      return this.#retries.afterRefusal();
    }
    if (isForbidden(thrown)) {
      this.#setState('Forbidden', error);
      return this.#retries.afterRefusal();
    }
    this.#setState('Retrying', error);
    return this.#retries.afterError(error);
  }

  #sink(): ConstructorParameters<typeof Reflector>[1] {
    return {
      listBegins: () => {
        this.#listed = new Set();
        this.#store.beginList();
      },
      exists: (object) => this.#exists(object),
      gone: (object) => {
        const { uid = '', resourceVersion = '' } = object.metadata;
        this.#announce(this.#store.delete(keyOf(object), uid, resourceVersion));
      },
      listEnds: () => this.#listEnds(),
      heard: () => {
        this.#heardAtMs = this.#options.now();
      },
      bookmark: () => {
        this.#announce(this.#store.dropOverlaysBefore(this.#options.now() - ECHO_PATIENCE_MS));
      },
      live: () => {
        this.#retries.live();
        this.#setState('Live', undefined);
      },
    };
  }

  #exists(object: KubeObject): void {
    const { namespace, name, uid = '', resourceVersion = '' } = object.metadata;
    this.#listed?.add(`${namespace ?? ''}/${name}`);
    const value = this.#project(object);
    if (value === undefined) return;
    this.#announce(this.#store.set(keyOf(object), { uid, resourceVersion, value: value.value }));
  }

  #listEnds(): void {
    const listed = this.#listed;
    this.#listed = undefined;
    this.#announce(
      this.#store.endList((namespace, name) => listed?.has(`${namespace ?? ''}/${name}`) ?? true),
    );
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  /** Boxed, since a projection may be undefined itself; undefined where it threw. */
  #project(object: KubeObject): { readonly value: T } | undefined {
    try {
      return { value: this.#options.project(object) };
    } catch (error) {
      const { namespace, name } = object.metadata;
      const fields = { ...this.#labels(), object: `${namespace ?? ''}/${name}`, reason: messageOf(error) };
      this.#options.log.warn(fields, 'object can not be read and is passed over');
      return undefined;
    }
  }

  #announce(events: readonly InformerEvent<T>[]): void {
    for (const event of events) {
      for (const handler of this.#changeHandlers) {
        try {
          handler(event);
        } catch (error) {
          this.#options.log.error({ err: error, ...this.#labels() }, 'change handler failed');
        }
      }
    }
  }

  #setState(state: InformerState, error: PequodError | undefined): void {
    this.#lastError = error;
    if (state === this.#state) return;
    this.#state = state;
    this.#logState(state, error);
    for (const handler of this.#stateHandlers) {
      try {
        handler(state, error);
      } catch (failure) {
        this.#options.log.error({ err: failure, ...this.#labels() }, 'state handler failed');
      }
    }
  }

  #logState(state: InformerState, error: PequodError | undefined): void {
    const fields = { ...this.#labels(), state, reason: error?.message };
    switch (state) {
      case 'NotServed':
      case 'Forbidden':
        this.#options.log.warn(fields, 'kind can not be watched');
        return;
      case 'Retrying':
        this.#options.log.warn(fields, 'watch is broken and will be opened again');
        return;
      case 'Starting':
      case 'Live':
      case 'Stopped':
        this.#options.log.debug(fields, 'watch changed state');
        return;
      default:
        assertNever(state);
    }
  }

  #labels(): { readonly resource: string; readonly namespace: string | undefined } {
    return { resource: resourceLabel(this.resource), namespace: this.namespace };
  }
}
