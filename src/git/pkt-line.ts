// The framing of git's protocol: four hex digits of length, themselves included, then the bytes. Lengths 0 to 2 are marks.

/** A line's bytes, or a mark between lines. */
export type PktLine = Buffer | 'delimiter' | 'end' | 'flush';

const MARKS: Readonly<Record<number, 'delimiter' | 'end' | 'flush'>> = {
  0: 'flush',
  1: 'delimiter',
  2: 'end',
};
const LENGTH_DIGITS = 4;
/**
 * Of one answer; packs come in lines of some KiB. Lines of no content are four bytes each, and a limit of bytes alone would
 * let millions of them keep everything else waiting.
 */
const MAX_LINES = 250_000;

/** What is not git's framing. */
export class PktLineError extends Error {}

/** One line of text, with its newline. */
export function pktLine(text: string): string {
  const line = `${text}\n`;
  return (Buffer.byteLength(line) + LENGTH_DIGITS).toString(16).padStart(LENGTH_DIGITS, '0') + line;
}

export const FLUSH = '0000' as const;
export const DELIMITER = '0001' as const;

/**
 * The next line of `bytes` from `offset`, and where it ends; undefined where more bytes are needed.
 * @throws PktLineError
 */
export function readPktLine(
  bytes: Buffer,
  offset: number,
): { readonly line: PktLine; readonly end: number } | undefined {
  if (bytes.length < offset + LENGTH_DIGITS) return undefined;
  const digits = bytes.toString('latin1', offset, offset + LENGTH_DIGITS);
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw new PktLineError('the answer is not in the framing of git');
  const length = Number.parseInt(digits, 16);
  const mark = MARKS[length];
  if (mark !== undefined) return { line: mark, end: offset + LENGTH_DIGITS };
  if (length < LENGTH_DIGITS) throw new PktLineError('the answer has a line of impossible length');
  const end = offset + length;
  return bytes.length < end ? undefined : { line: bytes.subarray(offset + LENGTH_DIGITS, end), end };
}

/**
 * All lines of a whole answer.
 * @throws PktLineError, also where the answer ends within a line
 */
export function* pktLines(bytes: Buffer): Generator<PktLine> {
  let offset = 0;
  for (let count = 1; offset < bytes.length; count += 1) {
    checkLineCount(count);
    const next = readPktLine(bytes, offset);
    if (next === undefined) throw new PktLineError('the answer ends in the middle of a line');
    yield next.line;
    offset = next.end;
  }
}

/** @throws PktLineError where an answer has more lines than any that is meant to be read */
export function checkLineCount(count: number): void {
  if (count > MAX_LINES) throw new PktLineError(`the answer has more than ${MAX_LINES} lines`);
}

/** A line as text, without its newline. */
export function lineText(line: Buffer): string {
  return line.toString('utf8').replace(/\n$/, '');
}
