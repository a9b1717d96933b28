/** A talk with one repository's upload-pack, whatever carries it. */
export interface GitSession {
  /** The first thing that the server said: its refs, or in version 2 what it can do. */
  readonly advert: Buffer;
  /**
   * Sends a request and takes the answer, in memory of its own, which may be moved.
   * @throws SourceError
   */
  ask(request: string, options: AskOptions, signal: AbortSignal): Promise<Buffer<ArrayBuffer>>;
  /** Ends the talk. Never throws. */
  close(): void;
}

export interface AskOptions {
  readonly maxBytes: number;
  /** Waits until an answer may become large. */
  readonly admitLarge: () => Promise<void>;
  /** What ends an answer where the connection stays open: a flush (version 2), or the server closing its side. */
  readonly endsWith: 'close' | 'flush';
}

/** What the client says that it is. */
export const AGENT = 'git/pequod' as const;
export const SERVICE = 'git-upload-pack' as const;

/** One piece of memory that is nobody else's. */
export function joined(chunks: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(new ArrayBuffer(chunks.reduce((size, { length }) => size + length, 0)));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
