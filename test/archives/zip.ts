// Zips by hand: every field can be made to lie.
import { crc32, deflateRawSync } from 'node:zlib';

/** Fields that stand both before the data and in the directory. */
export interface ZipFields {
  readonly name: string | Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly extra: Uint8Array;
}

export interface ZipEntry {
  readonly name: string | Uint8Array;
  readonly content?: string | Uint8Array;
  readonly isStored?: boolean;
  /** Mode of Unix, with the file's type. */
  readonly mode?: number;
  readonly flags?: number;
  /** In place of the packed content. */
  readonly packed?: Uint8Array;
  /** Between this entry's data and what follows. */
  readonly behind?: Uint8Array;
  readonly local?: Partial<ZipFields>;
  readonly central?: Partial<ZipFields>;
  /** Where the directory says that the entry starts. */
  readonly offset?: number;
}

export interface ZipEnding {
  readonly before?: Uint8Array;
  readonly behindDirectory?: Uint8Array;
  readonly after?: Uint8Array;
  readonly count?: number;
  readonly countOnDisk?: number;
}

const utf8 = new TextEncoder();
const NOTHING = new Uint8Array(0);

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? utf8.encode(text) : text;
}

/** `<width in bytes, value>…`, little endian. */
function record(...fields: readonly (readonly [1 | 2 | 4, number])[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of fields) at = buffer.writeUIntLE(value, at, width);
  return buffer;
}

/** An extra field of a header. */
export function extraField(id: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([record([2, id], [2, data.length]), data]);
}

export function zipOf(entries: readonly ZipEntry[], ending: ZipEnding = {}): Uint8Array {
  const parts: Uint8Array[] = [ending.before ?? NOTHING];
  const directory: Uint8Array[] = [];
  let offset = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const content = bytesOf(entry.content ?? '');
    const packed = entry.packed ?? (entry.isStored === true ? content : deflateRawSync(content));
    const fields: ZipFields = {
      name: entry.name,
      flags: entry.flags ?? 0x800,
      method: entry.isStored === true ? 0 : 8,
      crc: crc32(content),
      compressedSize: packed.length,
      size: content.length,
      extra: NOTHING,
    };
    const local = [header({ ...fields, ...entry.local }), packed, entry.behind ?? NOTHING];
    const start = entry.offset ?? offset;
    parts.push(...local);
    directory.push(directoryEntry({ ...fields, ...entry.central }, start, entry.mode ?? modeOf(entry)));
    offset += local.reduce((sum, { length }) => sum + length, 0);
  }
  return Buffer.concat([...parts, ...directory, end(entries.length, directory, offset, ending)]);
}

function modeOf({ name }: ZipEntry): number {
  return typeof name === 'string' && name.endsWith('/') ? 0o040755 : 0o100644;
}

function header(fields: ZipFields): Buffer {
  const name = bytesOf(fields.name);
  const { flags, method, crc, compressedSize, size, extra } = fields;
  return Buffer.concat([
    record([4, 0x04034b50], [2, 20], [2, flags], [2, method], [4, 0x210000]),
    record([4, crc], [4, compressedSize], [4, size], [2, name.length], [2, extra.length]),
    name,
    extra,
  ]);
}

function directoryEntry(fields: ZipFields, offset: number, mode: number): Buffer {
  const name = bytesOf(fields.name);
  const { flags, method, crc, compressedSize, size, extra } = fields;
  return Buffer.concat([
    record([4, 0x02014b50], [2, 0x0314], [2, 20], [2, flags], [2, method], [4, 0x210000]),
    record([4, crc], [4, compressedSize], [4, size], [2, name.length], [2, extra.length]),
    record([2, 0], [2, 0], [2, 0], [4, mode * 0x10000], [4, offset]),
    name,
    extra,
  ]);
}

function end(count: number, directory: readonly Uint8Array[], offset: number, ending: ZipEnding): Buffer {
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([
    ending.behindDirectory ?? NOTHING,
    record([4, 0x06054b50], [2, 0], [2, 0]),
    record([2, ending.countOnDisk ?? ending.count ?? count], [2, ending.count ?? count]),
    record([4, size], [4, offset], [2, 0]),
    ending.after ?? NOTHING,
  ]);
}

/** What makes a zip a zip64: a locator, and a record that it points to. */
export function zip64Records(count: number, offset: number): Uint8Array {
  const large = (value: number): readonly [readonly [4, number], readonly [4, number]] => [
    [4, value],
    [4, 0],
  ];
  return Buffer.concat([
    record([4, 0x06064b50], ...large(44), [2, 45], [2, 45], [4, 0], [4, 0]),
    record(...large(count), ...large(count), ...large(0), ...large(0)),
    record([4, 0x07064b50], [4, 0], ...large(offset), [4, 1]),
  ]);
}
