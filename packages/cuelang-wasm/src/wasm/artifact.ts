import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { withMemoryLimit } from './memory-limit.ts';

/** Names the evaluator: part of any cache key of its answers. */
export interface CueVersion {
  /** Hash of the uncompressed WebAssembly file, in hexadecimal. */
  readonly sha256: string;
  /** The version of CUE, with its `v`. */
  readonly cue: string;
  /** The version of Go that compiled it. */
  readonly go: string;
}

/** The folder that `build:wasm` fills and a package ships. */
export const artifactFolder: URL = new URL('../../artifact/', import.meta.url);

function isVersion(x: unknown): x is CueVersion {
  const has = (key: string): boolean =>
    typeof x === 'object' && x !== null && typeof Reflect.get(x, key) === 'string';
  return has('sha256') && has('cue') && has('go');
}

/** Reads which evaluator a folder holds. */
export async function readVersion(folder: URL = artifactFolder): Promise<CueVersion> {
  const version: unknown = JSON.parse(await readFile(new URL('cue.json', folder), 'utf8'));
  if (!isVersion(version)) throw new Error('cue.json lacks sha256, cue or go');
  return version;
}

/** Reads the WebAssembly file of a folder, uncompressed. */
export async function readWasm(folder: URL = artifactFolder): Promise<Uint8Array> {
  return promisify(brotliDecompress)(await readFile(new URL('cue.wasm.br', folder)));
}

/** Compiles the evaluator with a bound on its memory. It can be shared by any number of workers. */
export async function compileEvaluator(
  maxMemoryBytes: number,
  folder: URL = artifactFolder,
): Promise<WebAssembly.Module> {
  return WebAssembly.compile(withMemoryLimit(await readWasm(folder), maxMemoryBytes));
}
