// Records of an extended header (POSIX pax): `<length> <key>=<value>\n`, with the length of the whole record in bytes.
import { decodeName } from './entry-names.ts';
import { refusedArchive } from './refusal.ts';

const SPACE = 0x20;
const NEWLINE = 0x0a;

/** @throws SourceError where a record does not have the length that it says, or a key comes twice */
export function parsePax(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  let start = 0;
  while (start < bytes.length) {
    const space = bytes.indexOf(SPACE, start);
    const digits = space < 0 ? '' : Buffer.from(bytes.subarray(start, space)).toString('latin1');
    const length = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0;
    const end = start + length;
    if (end <= space + 1 || end > bytes.length || bytes[end - 1] !== NEWLINE) {
      throw refusedArchive('has an extended header that can not be read');
    }
    const record = decodeName(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf('=');
    if (equals < 1) throw refusedArchive('has an extended header that can not be read');
    const key = record.slice(0, equals);
    if (records.has(key)) throw refusedArchive(`has an extended header that says ${key} twice`);
    records.set(key, record.slice(equals + 1));
    start = end;
  }
  return records;
}
