// Informers shared by all who need the same kind in the same place: made on first use, stopped when the last one lets go.
import type { KubeClient } from './client.ts';
import { Informer, type InformerOptions, type InformerState } from './informer.ts';
import type { InformerEvent } from './object-store.ts';
import { gvkKey, type Resource } from './resource.ts';

export interface InformerSetOptions<T> extends Omit<InformerOptions<T>, 'resource'> {
  /** The only namespace that is watched of namespaced kinds, where a scope names none. Absent: all. */
  readonly namespace?: string | undefined;
}

export interface InformerScope {
  /** Absent: that of the set, or all. */
  readonly namespace?: string | undefined;
  /** Absent: all objects. */
  readonly name?: string | undefined;
  /** Whose rights are used; the set's own client where absent. */
  readonly client?: KubeClient | undefined;
}

/** A share in an informer. */
export interface InformerHandle<T> {
  readonly informer: Informer<T>;
  /** Gives it up; a second call does nothing. */
  release(): void;
}

interface Entry<T> {
  readonly informer: Informer<T>;
  holders: number;
}

export class InformerSet<T> {
  readonly #options: InformerSetOptions<T>;
  readonly #entries: Map<string, Entry<T>> = new Map();
  readonly #stopping: Set<Promise<void>> = new Set();
  readonly #changeHandlers: Set<(event: InformerEvent<T>, informer: Informer<T>) => void> = new Set();
  readonly #stateHandlers: Set<(informer: Informer<T>, state: InformerState) => void> = new Set();

  constructor(options: InformerSetOptions<T>) {
    this.#options = options;
  }

  /** The informer for this kind and place, started. Nobody may stop it but through the handle. */
  acquire(resource: Resource, scope: InformerScope = {}): InformerHandle<T> {
    const client = scope.client ?? this.#options.client;
    const namespace = resource.namespaced ? (scope.namespace ?? this.#options.namespace) : undefined;
    const id = [
      ...[gvkKey(resource), resource.plural],
      ...[namespace ?? '', scope.name ?? '', client.username ?? ''],
    ].join('|');
    const select = scope.name === undefined ? {} : { fieldSelector: `metadata.name=${scope.name}` };
    const entry =
      this.#entries.get(id) ?? this.#create(id, { ...this.#options, ...select, client, resource, namespace });
    entry.holders += 1;
    let isHeld = true;
    return {
      informer: entry.informer,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        entry.holders -= 1;
        if (entry.holders === 0) this.#discard(id, entry);
      },
    };
  }

  /** Those in use now. */
  informers(): readonly Informer<T>[] {
    return [...this.#entries.values()].map((entry) => entry.informer);
  }

  /** Changes of all informers, also of those that come later. @returns what ends it. */
  onChange(handler: (event: InformerEvent<T>, informer: Informer<T>) => void): () => void {
    this.#changeHandlers.add(handler);
    return () => this.#changeHandlers.delete(handler);
  }

  /** States of all informers, also of those that come later. @returns what ends it. */
  onStateChange(handler: (informer: Informer<T>, state: InformerState) => void): () => void {
    this.#stateHandlers.add(handler);
    return () => this.#stateHandlers.delete(handler);
  }

  /** Stops all of them, whoever holds them. */
  async stop(): Promise<void> {
    for (const [id, entry] of [...this.#entries]) this.#discard(id, entry);
    await Promise.all(this.#stopping);
  }

  #create(id: string, options: InformerOptions<T>): Entry<T> {
    const informer = new Informer(options);
    informer.onChange((event) => {
      for (const handler of this.#changeHandlers) this.#guarded(() => handler(event, informer));
    });
    informer.onStateChange((state) => {
      for (const handler of this.#stateHandlers) this.#guarded(() => handler(informer, state));
    });
    const entry = { informer, holders: 0 };
    this.#entries.set(id, entry);
    informer.start();
    return entry;
  }

  /** What one handler throws must not keep an event from the next. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error({ err: error }, 'handler of an informer set failed');
    }
  }

  #discard(id: string, entry: Entry<T>): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
    const stopping = entry.informer.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }
}
