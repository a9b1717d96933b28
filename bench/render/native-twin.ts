// The evaluator's Go code compiled for this machine instead of WebAssembly. It gets the requests that the workers get
// and times itself, so that the pipe to it costs it nothing.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CueEvaluation, CueOutcome, CueQuery } from 'cuelang-wasm';
import { isJsonObject } from '../../src/json/index.ts';
import type { CueEvaluator, EvaluateOptions } from '../../src/render/evaluator.ts';
import { runGo } from '../support/go.ts';

const SOURCE = fileURLToPath(new URL('../../packages/cuelang-wasm/go/', import.meta.url));

export type Evaluation = CueEvaluation<readonly CueQuery[]>;

export class NativeTwin {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #sent = new Set<string>();

  private constructor(program: string) {
    this.#process = spawn(program, ['-time'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Builds it into `directory` and starts it. */
  static async start(directory: string, signal: AbortSignal): Promise<NativeTwin> {
    const program = join(directory, 'native');
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w'];
    await runGo(['build', ...flags, '-o', program, './cmd/native'], { cwd: SOURCE }, signal);
    return new NativeTwin(program);
  }

  /** Evaluates, and says how many milliseconds the engine took. */
  async evaluate(evaluation: Evaluation): Promise<number> {
    const { module, queries, fills = [] } = evaluation;
    const files = { files: module.files, builtins: module.builtins ?? [], dependencies: [] };
    const isKnown = this.#sent.has(module.id);
    this.#sent.add(module.id);
    const request = {
      op: 'evaluate',
      moduleId: module.id,
      module: isKnown ? undefined : files,
      package: evaluation.package ?? '.',
      fills,
      queries,
      limits: {},
    };
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value: line, done } = await this.#lines.next();
    const reply: unknown = done === true ? undefined : JSON.parse(line);
    const answer = isJsonObject(reply) ? reply['answer'] : undefined;
    const micros = isJsonObject(reply) ? reply['micros'] : undefined;
    if (typeof micros !== 'number' || !isJsonObject(answer) || answer['errors'] !== undefined) {
      throw new Error(`the native evaluator answered ${String(line).slice(0, 500)}`);
    }
    return micros / 1000;
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exit;
  }
}

/** Passes evaluations on and keeps them, so that they can be asked of the twin too. */
export class RecordingEvaluator implements CueEvaluator {
  readonly #evaluator: CueEvaluator;
  #recorded: Evaluation[] = [];

  constructor(evaluator: CueEvaluator) {
    this.#evaluator = evaluator;
  }

  evaluate<const Q extends readonly CueQuery[]>(
    evaluation: CueEvaluation<Q>,
    options?: EvaluateOptions,
  ): Promise<CueOutcome<Q>> {
    this.#recorded.push(evaluation);
    return this.#evaluator.evaluate(evaluation, options);
  }

  /** Those since the last call. */
  take(): readonly Evaluation[] {
    const taken = this.#recorded;
    this.#recorded = [];
    return taken;
  }
}
