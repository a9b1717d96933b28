// The way without an operator: a process of the cue command for each render.
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../src/json/index.ts';
import { runGo } from '../support/go.ts';
import type { Workload } from './workload.ts';

/** The release of the library that the evaluator is built from. */
const CUE_COMMAND = 'cuelang.org/go/cmd/cue@v0.17.1';

export class CueExport {
  readonly #program: string;
  readonly #valuesFile: string;
  readonly #workload: Workload;

  private constructor(program: string, valuesFile: string, workload: Workload) {
    this.#program = program;
    this.#valuesFile = valuesFile;
    this.#workload = workload;
  }

  /** Builds the command into `directory`. */
  static async prepare(directory: string, workload: Workload, signal: AbortSignal): Promise<CueExport> {
    const bin = join(directory, 'bin');
    await mkdir(bin);
    await runGo(['install', CUE_COMMAND], { env: { GOBIN: bin } }, signal);
    return new CueExport(join(bin, 'cue'), join(directory, 'values.json'), workload);
  }

  /** Exports the graph for this input; the milliseconds from start to end of the process. */
  async run(input: JsonObject): Promise<number> {
    const { cueFolder, packagePath, context } = this.#workload;
    await writeFile(this.#valuesFile, JSON.stringify({ input, context }));
    const startedAtMs = performance.now();
    const child = spawn(this.#program, ['export', `./${packagePath}`, this.#valuesFile, '-e', 'graph'], {
      cwd: cueFolder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const tookMs = performance.now() - startedAtMs;
    if (exitCode !== 0 || bytes === 0) throw new Error(`cue export ended with ${exitCode}`);
    return tookMs;
  }
}
