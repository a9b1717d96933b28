// Reads a pack under limits. A pack comes from whoever runs the server: every number in it may lie. Sizes are declared
// before the bytes, and inflating stops at what was declared; each object is inflated once to find where the next begins,
// and is not kept. What a delta makes is counted before it is made.
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { PackLimits } from '../limits.ts';
import { deltaSizes } from './delta.ts';
import { PackError } from './pack-error.ts';

export type GitObjectType = 'blob' | 'commit' | 'tag' | 'tree';

/** A whole object, or what makes one out of another. */
export type PackEntry = {
  /** Where its deflated bytes are. */
  readonly start: number;
  readonly end: number;
  /** Of what is deflated. */
  readonly size: number;
} & (
  | { readonly kind: 'whole'; readonly type: GitObjectType; readonly oid: string }
  | { readonly kind: 'delta'; readonly base: PackEntry | string; readonly resultSize: number }
);

const HEADER_BYTES = 12;
const TRAILER_BYTES = 20;
const [OFFSET_DELTA, NAMED_DELTA] = [6, 7];
const TYPES: Readonly<Record<number, GitObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
/** A number of more digits than any size has. */
const MAX_NUMBER_BYTES = 7;
const MIN_CHUNK_BYTES = 64;

/** All entries, in order. @throws PackError */
export function scanPack(pack: Buffer, limits: PackLimits): readonly PackEntry[] {
  const count = checkFrame(pack, limits);
  const scan = new PackScan(pack, limits);
  for (let at = 0; at < count; at++) scan.next();
  return scan.finish();
}

/** The inflated bytes of an entry. @throws PackError where they are not as many as declared */
export function inflated(pack: Buffer, { start, size }: Pick<PackEntry, 'size' | 'start'>): Buffer {
  return inflate(pack, start, size).bytes;
}

/** The name of an object. */
export function objectId(type: GitObjectType, content: Buffer): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}

function checkFrame(pack: Buffer, limits: PackLimits): number {
  if (pack.length > limits.maxBytes) throw new PackError(`it has over ${limits.maxBytes} bytes`, true);
  if (pack.length < HEADER_BYTES + TRAILER_BYTES) throw new PackError('it is cut off');
  if (pack.toString('latin1', 0, 4) !== 'PACK') throw new PackError('it does not start like a pack');
  const version = pack.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw new PackError(`it has version ${version}`);
  const count = pack.readUInt32BE(8);
  if (count > limits.maxObjects)
    throw new PackError(`it has ${count} objects, over ${limits.maxObjects}`, true);
  const sum = createHash('sha1').update(pack.subarray(0, -TRAILER_BYTES)).digest();
  if (!sum.equals(pack.subarray(-TRAILER_BYTES))) throw new PackError('its checksum is wrong');
  return count;
}

class PackScan {
  readonly #pack: Buffer;
  readonly #limits: PackLimits;
  readonly #entries: PackEntry[] = [];
  readonly #byOffset = new Map<number, PackEntry>();
  #offset = HEADER_BYTES;
  #unpackedBytes = 0;

  constructor(pack: Buffer, limits: PackLimits) {
    this.#pack = pack;
    this.#limits = limits;
  }

  next(): void {
    const offset = this.#offset;
    const { type, size } = this.#header();
    this.#charge(size);
    const base =
      type === OFFSET_DELTA ? this.#baseBefore(offset) : type === NAMED_DELTA ? this.#baseName() : undefined;
    const start = this.#offset;
    const { bytes, end } = inflate(this.#pack, start, size);
    this.#offset = end;
    const entry: PackEntry =
      base === undefined
        ? { kind: 'whole', start, end, size, ...this.#whole(type, bytes) }
        : { kind: 'delta', start, end, size, base, resultSize: this.#resultSize(bytes) };
    this.#entries.push(entry);
    this.#byOffset.set(offset, entry);
  }

  finish(): readonly PackEntry[] {
    if (this.#offset !== this.#pack.length - TRAILER_BYTES)
      throw new PackError('it has bytes after its last object');
    return this.#entries;
  }

  #whole(type: number, bytes: Buffer): { readonly type: GitObjectType; readonly oid: string } {
    const name = TYPES[type];
    if (name === undefined) throw new PackError(`it has an object of type ${type}`);
    return { type: name, oid: objectId(name, bytes) };
  }

  #resultSize(delta: Buffer): number {
    const { resultSize } = deltaSizes(delta);
    this.#charge(resultSize);
    return resultSize;
  }

  #charge(size: number): void {
    const { maxObjectBytes, maxUnpackedBytes } = this.#limits;
    if (size > maxObjectBytes)
      throw new PackError(`it has an object of ${size} bytes, over ${maxObjectBytes}`, true);
    this.#unpackedBytes += size;
    if (this.#unpackedBytes > maxUnpackedBytes)
      throw new PackError(`it unpacks to over ${maxUnpackedBytes} bytes`, true);
  }

  #header(): { readonly type: number; readonly size: number } {
    let byte = this.#byte();
    const type = (byte >> 4) & 7;
    let size = byte & 15;
    for (let scale = 16, digits = 1; byte >= 128; scale *= 128, digits++) {
      if (digits > MAX_NUMBER_BYTES) throw new PackError('it has an object of impossible size');
      byte = this.#byte();
      size += (byte & 127) * scale;
    }
    return { type, size };
  }

  #baseBefore(offset: number): PackEntry {
    let byte = this.#byte();
    let distance = byte & 127;
    for (let digits = 1; byte >= 128; digits++) {
      if (digits > MAX_NUMBER_BYTES) throw new PackError('it has a delta that reaches too far');
      byte = this.#byte();
      distance = (distance + 1) * 128 + (byte & 127);
    }
    const base = this.#byOffset.get(offset - distance);
    if (base === undefined || distance === 0)
      throw new PackError('it has a delta whose base is no object before it');
    return base;
  }

  #baseName(): string {
    const end = this.#offset + TRAILER_BYTES;
    const name = this.#pack.toString('hex', this.#offset, end);
    this.#offset = end;
    return name;
  }

  #byte(): number {
    if (this.#offset >= this.#pack.length - TRAILER_BYTES) throw new PackError('it is cut off');
    return this.#pack.readUInt8(this.#offset++);
  }
}

function inflate(
  pack: Buffer,
  start: number,
  size: number,
): { readonly bytes: Buffer; readonly end: number } {
  let answer: unknown;
  try {
    answer = inflateSync(pack.subarray(start, -TRAILER_BYTES), {
      info: true,
      maxOutputLength: Math.max(size, 1),
      chunkSize: Math.max(size, MIN_CHUNK_BYTES),
    });
  } catch (error) {
    // Node says so where the output would be over its maximum.
    const isLarger = error instanceof RangeError;
    throw new PackError(`it has an object that ${isLarger ? 'is larger than it says' : 'can’t be inflated'}`);
  }
  if (!isInflated(answer)) throw new PackError('it has an object that can’t be inflated');
  if (answer.buffer.length !== size) throw new PackError('it has an object that is smaller than it says');
  return { bytes: answer.buffer, end: start + answer.engine.bytesWritten };
}

/** What zlib returns with `info`: the output, and the engine, which knows how much input it took. */
function isInflated(
  value: unknown,
): value is { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } } {
  if (typeof value !== 'object' || value === null || !('buffer' in value) || !('engine' in value))
    return false;
  const { buffer, engine } = value;
  const hasCount = typeof engine === 'object' && engine !== null && 'bytesWritten' in engine;
  return Buffer.isBuffer(buffer) && hasCount && typeof engine.bytesWritten === 'number';
}
