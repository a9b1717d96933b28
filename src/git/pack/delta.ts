// Deltas of git: two sizes, then instructions that copy a range of the base or insert bytes of their own.
import { PackError } from './pack-error.ts';

export interface DeltaSizes {
  readonly baseSize: number;
  readonly resultSize: number;
  /** Where the instructions begin. */
  readonly start: number;
}

/** @throws PackError */
export function deltaSizes(delta: Buffer): DeltaSizes {
  const base = sizeAt(delta, 0);
  const result = sizeAt(delta, base.end);
  return { baseSize: base.size, resultSize: result.size, start: result.end };
}

/** What a delta makes of its base. Never writes beyond the size that it declares. @throws PackError */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const { baseSize, resultSize, start } = deltaSizes(delta);
  if (baseSize !== base.length) throw new PackError('it has a delta for a base of another size');
  const result = Buffer.alloc(resultSize);
  let written = 0;
  let offset = start;
  while (offset < delta.length) {
    const code = delta.readUInt8(offset++);
    if (code === 0) throw new PackError('it has a delta with an unknown instruction');
    const isCopy = code >= 128;
    const copied = isCopy
      ? copyRange(delta, offset, code)
      : { from: offset, length: code, end: offset + code };
    const source = isCopy ? base : delta;
    const isInside = copied.from + copied.length <= source.length && written + copied.length <= resultSize;
    if (!isInside) throw new PackError('it has a delta that reaches beyond its base or its result');
    source.copy(result, written, copied.from, copied.from + copied.length);
    written += copied.length;
    offset = copied.end;
  }
  if (written !== resultSize) throw new PackError('it has a delta that makes less than it says');
  return result;
}

interface CopyRange {
  readonly from: number;
  readonly length: number;
  readonly end: number;
}

const DEFAULT_COPY_BYTES = 0x10000;

/** Bits 0 to 3 of the code say which bytes of the offset follow, bits 4 to 6 which bytes of the length. */
function copyRange(delta: Buffer, offset: number, code: number): CopyRange {
  let end = offset;
  const number = (firstBit: number, bytes: number): number => {
    let value = 0;
    for (let at = 0; at < bytes; at++) {
      if ((code & (1 << (firstBit + at))) === 0) continue;
      if (end >= delta.length) throw new PackError('it has a delta that is cut off');
      value += delta.readUInt8(end++) * 256 ** at;
    }
    return value;
  };
  const from = number(0, 4);
  const length = number(4, 3);
  return { from, length: length === 0 ? DEFAULT_COPY_BYTES : length, end };
}

const MAX_SIZE_BYTES = 7;

function sizeAt(delta: Buffer, offset: number): { readonly size: number; readonly end: number } {
  let size = 0;
  for (let at = 0; at < MAX_SIZE_BYTES; at++) {
    if (offset + at >= delta.length) throw new PackError('it has a delta that is cut off');
    const byte = delta.readUInt8(offset + at);
    size += (byte & 127) * 128 ** at;
    if (byte < 128) return { size, end: offset + at + 1 };
  }
  throw new PackError('it has a delta of impossible size');
}
