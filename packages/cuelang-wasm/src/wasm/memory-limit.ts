/**
 * Gives the memory of a WebAssembly binary a maximum. The Go linker sets none,
 * so a module could grow to 4 GiB; the engine itself enforces a declared one.
 */
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
const HEADER_BYTES = 8;
const SECTION_MEMORY = 5;
const FLAG_HAS_MAXIMUM = 1;

interface Leb {
  readonly value: number;
  readonly next: number;
}

function readLeb(bytes: Uint8Array, at: number): Leb {
  let value = 0;
  let shift = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) return { value, next: i + 1 };
    shift += 7;
  }
  throw new Error('the WebAssembly binary ends within a number');
}

function writeLeb(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    out.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return out;
}

/**
 * Returns the binary with its one memory bounded to `maxBytes`, rounded down to whole pages of 64 KiB.
 * Throws if it has no memory of its own, or starts with more than that.
 */
export function withMemoryLimit(wasm: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  let at = HEADER_BYTES;
  while (at < wasm.length) {
    const id = wasm[at];
    const size = readLeb(wasm, at + 1);
    const end = size.next + size.value;
    if (id === SECTION_MEMORY) {
      const section = limitedSection(wasm.subarray(size.next, end), maxBytes);
      const patched = new Uint8Array(at + section.length + (wasm.length - end));
      patched.set(wasm.subarray(0, at));
      patched.set(section, at);
      patched.set(wasm.subarray(end), at + section.length);
      return patched;
    }
    at = end;
  }
  throw new Error('the WebAssembly binary has no memory section');
}

function limitedSection(body: Uint8Array, maxBytes: number): number[] {
  const count = readLeb(body, 0);
  const minimum = readLeb(body, count.next + 1);
  const pages = Math.min(Math.floor(maxBytes / PAGE_BYTES), MAX_PAGES);
  if (count.value !== 1) throw new Error(`the WebAssembly binary has ${count.value} memories`);
  if (pages < minimum.value) {
    throw new RangeError(
      `maxMemoryBytes ${maxBytes} is under the ${minimum.value * PAGE_BYTES} needed at start`,
    );
  }
  const limited = [1, FLAG_HAS_MAXIMUM, ...writeLeb(minimum.value), ...writeLeb(pages)];
  return [SECTION_MEMORY, ...writeLeb(limited.length), ...limited];
}
