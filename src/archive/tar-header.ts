// One block of 512 bytes that says what the next entry is, as POSIX (ustar) and GNU tar write it.
import { decodeName } from './entry-names.ts';
import { refusedArchive } from './refusal.ts';

export const TAR_BLOCK = 512;

const CHECKSUM_START = 148;
const CHECKSUM_END = 156;

export interface TarHeader {
  /** With the prefix that ustar keeps apart. */
  readonly name: string;
  readonly size: number;
  /** One character; `0` for a file also where the archive is so old that it leaves it out. */
  readonly type: string;
}

/** @throws SourceError where the checksum does not fit, a number can't be read, or the name is not UTF-8 */
export function parseTarHeader(block: Uint8Array): TarHeader {
  if (checksum(block) !== number(block, CHECKSUM_START, CHECKSUM_END)) {
    throw refusedArchive('is no tar, or damaged: the checksum of a header differs');
  }
  const name = decodeName(field(block, 0, 100));
  const isPosix = Buffer.from(block.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = isPosix ? decodeName(field(block, 345, 500)) : '';
  const type = block[156] ?? 0;
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: number(block, 124, 136),
    type: type === 0 ? '0' : String.fromCharCode(type),
  };
}

/** Up to the first NUL. */
function field(block: Uint8Array, start: number, end: number): Uint8Array {
  const bytes = block.subarray(start, end);
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}

/** Octal digits, or, where the first bit is set, a binary number (GNU's base 256). */
function number(block: Uint8Array, start: number, end: number): number {
  const bytes = block.subarray(start, end);
  const first = bytes[0] ?? 0;
  if (first >= 0x80) return binaryNumber(bytes, first);
  const text = Buffer.from(bytes).toString('latin1');
  const [, digits] = /^ *([0-7]*)[ \0]*$/.exec(text) ?? [];
  if (digits === undefined) throw refusedArchive('has a header whose number can not be read');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function binaryNumber(bytes: Uint8Array, first: number): number {
  if (first !== 0x80) throw refusedArchive('has a header whose number is negative or too large');
  const value = bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  if (Number.isSafeInteger(value)) return value;
  throw refusedArchive('has a header whose number is negative or too large');
}

/** Sum of all bytes, those of the checksum itself taken for spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce(
    (sum, byte, index) => sum + (index >= CHECKSUM_START && index < CHECKSUM_END ? 0x20 : byte),
    0,
  );
}
