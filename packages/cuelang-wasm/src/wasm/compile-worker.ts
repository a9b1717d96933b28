/** The thread that unpacks and compiles the evaluator: what that takes in memory goes with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { withMemoryLimit } from './memory-limit.ts';
import { readWasm } from './read-wasm.ts';

/** What the thread starts with. */
export interface CompileStart {
  readonly folder: string;
  readonly maxMemoryBytes: number;
}

const start: CompileStart = workerData;
const binary = withMemoryLimit(await readWasm(new URL(start.folder)), start.maxMemoryBytes);
parentPort?.postMessage(await WebAssembly.compile(binary));
