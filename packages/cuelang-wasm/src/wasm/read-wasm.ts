import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

/** The folder that `build:wasm` fills and a package ships. */
export const artifactFolder: URL = new URL('../../artifact/', import.meta.url);

/** Reads the WebAssembly file of a folder, uncompressed. */
export async function readWasm(folder: URL = artifactFolder): Promise<Uint8Array> {
  return promisify(brotliDecompress)(await readFile(new URL('cue.wasm.br', folder)));
}
