import type { Readable } from 'node:stream';

/**
 * The whole body as text; undefined where it is over `maxBytes`, whereupon the connection is given up: reading on would
 * be what the limit is there to prevent.
 */
export async function readCapped(body: Readable, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > maxBytes) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}
