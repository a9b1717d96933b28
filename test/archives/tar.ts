// Tars by hand: every field can be made to lie.
import { gzipSync } from 'node:zlib';

export interface TarEntry {
  readonly name: string | Uint8Array;
  readonly content?: string | Uint8Array;
  /** One character; `0` (a file) by default. */
  readonly type?: string;
  readonly link?: string;
  /** ustar's prefix. */
  readonly prefix?: string;
  /** In place of the content's length: a number, or the twelve bytes of the field. */
  readonly size?: number | Uint8Array;
  readonly hasWrongChecksum?: boolean;
}

const BLOCK = 512;
/** Two blocks of zeros. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

const utf8 = new TextEncoder();

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? utf8.encode(text) : text;
}

/** One entry: header, content, and zeros up to a whole block. */
export function tarEntry(entry: TarEntry): Buffer {
  const content = bytesOf(entry.content ?? '');
  const header = Buffer.alloc(BLOCK);
  header.set(bytesOf(entry.name).subarray(0, 100), 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  const size = entry.size ?? content.length;
  header.set(typeof size === 'number' ? bytesOf(`${size.toString(8).padStart(11, '0')}\0`) : size, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(entry.type ?? '0', 156);
  header.write(entry.link ?? '', 157);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(entry.prefix ?? '', 345);
  const sum = header.reduce((total, byte) => total + byte, entry.hasWrongChecksum === true ? 1 : 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** A header of pax before an entry. */
export function paxEntry(records: Readonly<Record<string, string>>, type: string = 'x'): Buffer {
  return tarEntry({ name: 'pax', type, content: Object.entries(records).map(paxRecord).join('') });
}

function paxRecord([key, value]: readonly [string, string]): string {
  const rest = utf8.encode(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (length !== rest + String(length).length) length += 1;
  return `${length} ${key}=${value}\n`;
}

/** A whole tar. */
export function tarOf(entries: readonly (TarEntry | Uint8Array)[]): Buffer {
  const parts = entries.map((entry) => (entry instanceof Uint8Array ? entry : tarEntry(entry)));
  return Buffer.concat([...parts, TAR_END]);
}

export function tarGzipOf(entries: readonly (TarEntry | Uint8Array)[]): Uint8Array {
  return gzipSync(tarOf(entries));
}
