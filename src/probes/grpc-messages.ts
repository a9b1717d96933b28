// The two messages of grpc.health.v1 as protobuf writes them: a request with one string, an answer with one enum, each
// behind gRPC's prefix of five bytes.

const PREFIX_BYTES = 5;
/** Field 1, length-delimited. */
const SERVICE_TAG = 0x0a;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Values of `HealthCheckResponse.ServingStatus`, by number. */
const SERVING_STATUSES: readonly string[] = 'UNKNOWN SERVING NOT_SERVING SERVICE_UNKNOWN'.split(' ');

/** `HealthCheckRequest` for a service; the empty name asks for the server as a whole. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.from([SERVICE_TAG]), varint(name.length), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The status in a `HealthCheckResponse`; undefined where the bytes are no such answer. */
export function servingStatus(body: Buffer): string | undefined {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES)
    return undefined;
  const status = statusNumber(body.subarray(PREFIX_BYTES));
  return status === undefined ? undefined : (SERVING_STATUSES[status] ?? `status ${status}`);
}

/** Field 1 of the message, 0 where it is not there; fields that are not known are passed over. */
function statusNumber(message: Buffer): number | undefined {
  let status = 0;
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    if (tag === undefined) return undefined;
    const end = endOfField(message, tag.end, tag.value & 7);
    if (end === undefined || end > message.length) return undefined;
    if (tag.value === 8) status = readVarint(message, tag.end)?.value ?? 0;
    at = end;
  }
  return status;
}

function endOfField(message: Buffer, at: number, wire: number): number | undefined {
  switch (wire) {
    case WIRE.varint:
      return readVarint(message, at)?.end;
    case WIRE.fixed64:
      return at + 8;
    case WIRE.bytes: {
      const length = readVarint(message, at);
      return length === undefined ? undefined : length.end + length.value;
    }
    case WIRE.fixed32:
      return at + 4;
    default:
      return undefined;
  }
}

function readVarint(
  bytes: Buffer,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = start; at < Math.min(bytes.length, start + 10); at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
