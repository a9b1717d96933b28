// The Leases of one set, as a watch tells of them: so that one which is given back is taken at once. What it tells may be
// late; nothing rests on it but speed.
import type { KubeObject } from '../api/index.ts';
import { Informer, LEASES, type OperatorClient } from '../kube/index.ts';
import type { Logger } from '../observability/index.ts';
import type { Runnable } from '../runtime/index.ts';

export interface LeaseWatchOptions {
  readonly client: OperatorClient;
  readonly namespace: string;
  /** Which Leases; those that holders of the set create carry these labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** Milliseconds, any epoch. */
  readonly now: () => number;
  readonly random: () => number;
}

/** `lease` undefined: it is gone. */
export type LeaseHandler = (name: string, lease: KubeObject | undefined) => void;

export class LeaseWatch implements Runnable {
  readonly name = 'watch of leases';
  readonly #informer: Informer<KubeObject>;

  constructor({ labels, ...options }: LeaseWatchOptions) {
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',');
    this.#informer = new Informer({ ...options, resource: LEASES, labelSelector, project: (lease) => lease });
  }

  /** Ready at once: without the watch, holders look for themselves. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#informer.start();
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
  }

  /** Whether changes are told as they happen. */
  get isLive(): boolean {
    return this.#informer.state === 'Live';
  }

  /** All Leases of the set. */
  leases(): readonly KubeObject[] {
    return this.#informer.values();
  }

  onChange(handler: LeaseHandler): () => void {
    return this.#informer.onChange(({ key, current }) => handler(key.name, current));
  }

  /** Calls `handler` when {@link isLive} may have changed. */
  onState(handler: () => void): () => void {
    return this.#informer.onStateChange(handler);
  }

  health(): string | undefined {
    return this.isLive ? undefined : `${this.#informer.state}: ${this.#informer.lastError?.message ?? ''}`;
  }
}
