/** A talk with one repository's upload-pack, whatever carries it. */
export interface GitSession {
  /** The first thing that the server said: its refs, or in version 2 what it can do. */
  readonly advert: Buffer;
  /**
   * Sends a request and takes the answer.
   * @throws SourceError
   */
  ask(request: string, options: AskOptions, signal: AbortSignal): Promise<Buffer>;
  /** Ends the talk. Never throws. */
  close(): void;
}

export interface AskOptions {
  readonly maxBytes: number;
  /** What ends an answer where the connection stays open: a flush (version 2), or the server closing its side. */
  readonly endsWith: 'close' | 'flush';
}

/** What the client says that it is. */
export const AGENT = 'git/pequod' as const;
export const SERVICE = 'git-upload-pack' as const;
