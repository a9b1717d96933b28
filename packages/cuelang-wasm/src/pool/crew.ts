import type { PoolSettings } from './options.ts';
import { WorkerHandle } from './worker-handle.ts';

/** Numbers of a crew's workers, for metrics. */
export interface CrewStats {
  readonly busy: number;
  readonly idle: number;
  readonly hasSpare: boolean;
  /** Workers started since the beginning. */
  readonly started: number;
  /** Workers replaced because they had served enough or grown too large. */
  readonly recycled: number;
  /** Wasm memory of all workers. */
  readonly memoryBytes: number;
  /** The most wasm memory that any worker had. */
  readonly peakWorkerMemoryBytes: number;
}

/**
 * The workers of a pool. A worker is busy, idle, or the spare; whoever leaves
 * makes room for the spare, and a new spare is started behind it, so that
 * replacing a worker costs the next caller nothing. Where no worker has to be
 * kept, the spare leaves with the last one, and both come back with the next
 * caller.
 */
export class Crew {
  readonly #module: WebAssembly.Module;
  readonly #settings: PoolSettings;
  readonly #busy = new Set<WorkerHandle>();
  /** Least recently used first, each with the timer that ends it. */
  readonly #idle = new Map<WorkerHandle, NodeJS.Timeout>();
  readonly #stopping = new Set<Promise<void>>();
  #spare: WorkerHandle | undefined;
  #spareTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #started = 0;
  #recycled = 0;
  #peakWorkerMemoryBytes = 0;

  constructor(module: WebAssembly.Module, settings: PoolSettings) {
    this.#module = module;
    this.#settings = settings;
    if (settings.minWorkers > 0) this.#refillSpare();
  }

  get stats(): CrewStats {
    const all = [...this.#busy, ...this.#idle.keys(), ...(this.#spare === undefined ? [] : [this.#spare])];
    return {
      busy: this.#busy.size,
      idle: this.#idle.size,
      hasSpare: this.#spare !== undefined,
      started: this.#started,
      recycled: this.#recycled,
      memoryBytes: all.reduce((sum, it) => sum + it.memoryBytes, 0),
      peakWorkerMemoryBytes: this.#peakWorkerMemoryBytes,
    };
  }

  /** Takes a worker for a module, the one that holds it if possible; none if all are busy. */
  take(moduleId: string): WorkerHandle | undefined {
    clearTimeout(this.#spareTimer);
    const idle = [...this.#idle.keys()];
    const chosen = idle.find((it) => it.holds(moduleId)) ?? idle.at(-1);
    if (chosen !== undefined) {
      clearTimeout(this.#idle.get(chosen));
      this.#idle.delete(chosen);
      this.#busy.add(chosen);
      return chosen;
    }
    if (this.#isClosed || this.#busy.size >= this.#settings.maxWorkers) return undefined;
    const fresh = this.#spare ?? this.#start();
    this.#spare = undefined;
    this.#busy.add(fresh);
    this.#refillSpare();
    return fresh;
  }

  /** Gives a worker back that answered. */
  release(handle: WorkerHandle): void {
    this.#peakWorkerMemoryBytes = Math.max(this.#peakWorkerMemoryBytes, handle.memoryBytes);
    if (this.#isClosed || handle.isGone || !this.#busy.delete(handle)) return;
    const { maxEvaluations, maxModules, memoryBytes } = this.#settings.recycle;
    const isSpent =
      handle.evaluations >= maxEvaluations ||
      handle.modulesOpened >= maxModules ||
      handle.memoryBytes >= memoryBytes;
    if (isSpent) {
      this.#recycled++;
      this.#stop(handle);
      this.#refillSpare();
      this.#restIfEmpty();
      return;
    }
    const timer = setTimeout(() => this.#onIdle(handle), this.#settings.idleTimeoutMs);
    timer.unref();
    this.#idle.set(handle, timer);
  }

  /** Ends a worker whose request was stopped. */
  discard(handle: WorkerHandle): void {
    this.#busy.delete(handle);
    this.#stop(handle);
    this.#refillSpare();
    this.#restIfEmpty();
  }

  /** Ends all workers, and what they are doing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of [...this.#idle.values(), this.#spareTimer]) clearTimeout(timer);
    for (const handle of [...this.#busy, ...this.#idle.keys()]) this.#stop(handle);
    if (this.#spare !== undefined) this.#stop(this.#spare);
    this.#busy.clear();
    this.#idle.clear();
    this.#spare = undefined;
    await Promise.all(this.#stopping);
  }

  #onIdle(handle: WorkerHandle): void {
    if (this.#busy.size + this.#idle.size <= this.#settings.minWorkers) return;
    this.#idle.delete(handle);
    this.#stop(handle);
    if (this.#isEmpty()) this.#stopSpare();
  }

  #isEmpty(): boolean {
    return this.#settings.minWorkers === 0 && this.#busy.size + this.#idle.size === 0;
  }

  /** The spare is idle too, where it is all that is left. */
  #restIfEmpty(): void {
    clearTimeout(this.#spareTimer);
    if (this.#isClosed || !this.#isEmpty()) return;
    this.#spareTimer = setTimeout(() => {
      if (this.#isEmpty()) this.#stopSpare();
    }, this.#settings.idleTimeoutMs);
    this.#spareTimer.unref();
  }

  #stopSpare(): void {
    if (this.#spare !== undefined) this.#stop(this.#spare);
    this.#spare = undefined;
  }

  #start(): WorkerHandle {
    this.#started++;
    return new WorkerHandle(this.#module, (handle) => this.#forget(handle));
  }

  #refillSpare(): void {
    if (this.#isClosed || !this.#settings.hasSpare || this.#spare !== undefined) return;
    this.#spare = this.#start();
  }

  #stop(handle: WorkerHandle): void {
    const stopping = handle.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  /** A worker that ended by itself is not replaced before someone needs it: a broken one would loop. */
  #forget(handle: WorkerHandle): void {
    clearTimeout(this.#idle.get(handle));
    this.#idle.delete(handle);
    this.#busy.delete(handle);
    if (this.#spare === handle) this.#spare = undefined;
  }
}
