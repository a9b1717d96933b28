/** Something that runs as long as the process does: an informer, a controller, a server. */
export interface Runnable {
  readonly name: string;
  /** Resolves when it is ready to be relied on. Rejects when it can't start, or when `signal` ends the start. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends it; resolves when nothing of it runs any more. Also called on what failed to start. */
  stop(): Promise<void>;
  /** Undefined while all is well, else one line that says what is wrong, or what its start waits for. */
  health?(): string | undefined;
}
