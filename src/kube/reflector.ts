// Mirrors one selection of one resource into a sink: lists it, then watches on from there. A run ends when its stream
// ends; what has been mirrored stays, and the next run goes on from the last resourceVersion that was stored.
// - The initial state comes as a WatchList where the server offers it, else in pages.
// - An `ERROR` frame ends the run with its error. Nothing is skipped over.
// - A stream that says nothing for too long is given up: a dead connection is told from a quiet one by its bookmarks, and
//   sooner where something is known to be due on it.
import type { KubeObject } from '../api/index.ts';
import type { KubeClient } from './client.ts';
import { ApiError } from './errors.ts';
import type { SelectOptions } from './requests.ts';
import type { Resource } from './resource.ts';
import type { WatchFrame } from './watch.ts';

/** Where the mirrored objects go. Called synchronously, in the order of the stream. */
export interface ReflectorSink {
  listBegins(): void;
  exists(object: KubeObject): void;
  gone(object: KubeObject): void;
  /** Everything that exists has been handed over since {@link listBegins}. */
  listEnds(): void;
  /** The stream is open, or has said something. */
  heard(): void;
  /** The server said that nothing was left out up to now. */
  bookmark(): void;
  /** From now on changes arrive as they happen. */
  live(): void;
}

export interface WatchTiming {
  /** Shortest life that is asked of a stream, in seconds; up to a fifth is added at random. Default 240. */
  readonly minTimeoutSeconds?: number;
  /** Silence after which a stream that had sent bookmarks counts as dead. Default 90 s. */
  readonly idleTimeoutMs?: number;
  /** Silence after which a stream counts as dead that owes a change that is known to have been made. Default 10 s. */
  readonly newsTimeoutMs?: number;
  /** Silence after which a WatchList that has not finished is given up for a list. Default 30 s. */
  readonly syncIdleTimeoutMs?: number;
}

export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly select: SelectOptions;
  readonly timing: WatchTiming;
  readonly random: () => number;
}

const TIMEOUT_SPREAD = 0.2;
const GRACE_MS = 5_000;

export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #sink: ReflectorSink;
  #idle: IdleTimer | undefined;
  #resourceVersion: string | undefined;
  #usesWatchList = true;

  constructor(options: ReflectorOptions, sink: ReflectorSink) {
    this.#options = options;
    this.#sink = sink;
  }

  /** The next run starts with a list. */
  forget(): void {
    this.#resourceVersion = undefined;
  }

  /** A change has been made that the open stream has to bring: it is given up if it says nothing at all by then. */
  expectNews(): void {
    this.#idle?.shorten(this.#options.timing.newsTimeoutMs ?? 10_000);
  }

  /** Lists where needed, then watches until the stream ends. Rejects with what went wrong. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion === undefined && this.#usesWatchList) return this.#watchList(signal);
    if (this.#resourceVersion === undefined) await this.#list(signal);
    await this.#watch(false, signal);
  }

  async #watchList(signal: AbortSignal): Promise<void> {
    try {
      await this.#watch(true, signal);
    } catch (error) {
      const isUnsupported =
        error instanceof ApiError && (error.statusCode === 422 || error.statusCode === 400);
      if (!isUnsupported || this.#resourceVersion !== undefined) throw error;
      this.#usesWatchList = false;
      return this.run(signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, select } = this.#options;
    this.#sink.listBegins();
    let resourceVersion: string | undefined;
    for await (const page of client.list(resource, select, signal)) {
      this.#sink.heard();
      for (const item of page.items) this.#sink.exists(item);
      resourceVersion = page.resourceVersion;
    }
    this.#sink.listEnds();
    this.#resourceVersion = resourceVersion;
  }

  async #watch(sendsInitialEvents: boolean, signal: AbortSignal): Promise<void> {
    const { client, resource, select, timing, random } = this.#options;
    const { minTimeoutSeconds = 240, idleTimeoutMs = 90_000, syncIdleTimeoutMs = 30_000 } = timing;
    const timeoutSeconds =
      minTimeoutSeconds + Math.floor(random() * (minTimeoutSeconds * TIMEOUT_SPREAD + 1));
    using idle = new IdleTimer(signal);
    const options = { ...select, timeoutSeconds, sendsInitialEvents, resourceVersion: this.#resourceVersion };
    const frames = await client.watch(resource, options, idle.signal);
    this.#sink.heard();
    let isListing = sendsInitialEvents;
    if (isListing) this.#sink.listBegins();
    else this.#lives(idle);
    idle.allow(isListing ? syncIdleTimeoutMs : timeoutSeconds * 1000 + GRACE_MS);
    try {
      for await (const frame of frames) {
        this.#sink.heard();
        const isListEnd = isListing && frame.type === 'BOOKMARK' && frame.isInitialEventsEnd;
        this.#take(frame, isListing);
        if (isListEnd) {
          isListing = false;
          this.#sink.listEnds();
          this.#lives(idle);
          idle.allow(timeoutSeconds * 1000 + GRACE_MS);
        } else if (frame.type === 'BOOKMARK') idle.allow(idleTimeoutMs);
        else idle.restart();
      }
    } catch (error) {
      if (!idle.isExpired) throw error;
    } finally {
      this.#idle = undefined;
    }
    if (isListing && idle.isExpired) this.#usesWatchList = false;
  }

  #lives(idle: IdleTimer): void {
    this.#idle = idle;
    this.#sink.live();
  }

  /** Stores a frame, and only then moves on to its resourceVersion. */
  #take(frame: WatchFrame, isListing: boolean): void {
    switch (frame.type) {
      case 'ERROR':
        throw frame.error;
      case 'BOOKMARK':
        if (!isListing || frame.isInitialEventsEnd) this.#resourceVersion = frame.resourceVersion;
        this.#sink.bookmark();
        return;
      case 'DELETED':
        this.#sink.gone(frame.object);
        break;
      default:
        this.#sink.exists(frame.object);
    }
    if (!isListing) this.#resourceVersion = frame.object.metadata.resourceVersion;
  }
}

/** Aborts its signal after a silence, or with the parent. */
class IdleTimer implements Disposable {
  readonly #controller: AbortController = new AbortController();
  readonly #parent: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #silenceMs = 0;
  #isShortened = false;
  #isExpired = false;

  constructor(parent: AbortSignal) {
    this.#parent = parent;
    if (parent.aborted) this.#follow();
    else parent.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** How long it may be silent from now on. */
  allow(silenceMs: number): void {
    this.#silenceMs = silenceMs;
    this.#isShortened = false;
    this.#arm(silenceMs);
  }

  /** Something was heard: the silence that is allowed begins anew. */
  restart(): void {
    if (this.#isShortened) this.allow(this.#silenceMs);
    else this.#timer?.refresh();
  }

  /** Less silence than is allowed, until something is heard. */
  shorten(silenceMs: number): void {
    if (this.#isShortened || silenceMs >= this.#silenceMs) return;
    this.#isShortened = true;
    this.#arm(silenceMs);
  }

  #arm(silenceMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isExpired = true;
      this.#controller.abort(new Error('watch was silent for too long'));
    }, silenceMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => {
    this.#controller.abort(this.#parent.reason);
  };
}
