import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { CompileStart } from './compile-worker.ts';
import { artifactFolder } from './read-wasm.ts';

/** Names the evaluator: part of any cache key of its answers. */
export interface CueVersion {
  /** Hash of the uncompressed WebAssembly file, in hexadecimal. */
  readonly sha256: string;
  /** The version of CUE, with its `v`. */
  readonly cue: string;
  /** The version of Go that compiled it. */
  readonly go: string;
}

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

/**
 * Compiles the evaluator with a bound on its memory. It can be shared by any number of workers. That is done in a thread
 * of its own: several copies of the binary, of 30 MB each, would else stay until this thread happens to collect them.
 */
export async function compileEvaluator(
  maxMemoryBytes: number,
  folder: URL = artifactFolder,
): Promise<WebAssembly.Module> {
  const start: CompileStart = { folder: folder.href, maxMemoryBytes };
  const file = import.meta.url.endsWith('.ts') ? './compile-worker.ts' : './compile-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    name: 'cue compile',
    workerData: start,
    env: {},
    execArgv: [],
  });
  try {
    return await new Promise<WebAssembly.Module>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that compiles the evaluator ended')));
    });
  } finally {
    await worker.terminate();
  }
}
