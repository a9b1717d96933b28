// The operator as a process of its own, from source, with the rights of its ServiceAccount and its default flags.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ComponentProcess } from '../../test/control-plane/component-process.ts';
import { type ControlPlaneAccess, OPERATOR_IDENTITY } from '../../test/control-plane/index.ts';
import { ReaperLink } from '../../test/control-plane/reaper-link.ts';

const PROGRAM = join(import.meta.dirname, '../../src/cli/pequod.ts');
const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 30_000;
const POLL_MS = 10;
const RENDERED = '"msg":"module rendered"';

export interface OperatorOptions {
  /** Where the log goes that counts renders: it costs a little time. */
  readonly logLevel: 'debug' | 'info';
  /** Folder that a CPU profile is written to when the operator ends. */
  readonly profileDirectory?: string | undefined;
  /** Further flags of `pequod controller`. */
  readonly flags?: readonly string[];
}

export class BenchOperator {
  readonly #process: ComponentProcess;
  readonly #reaper: ReaperLink;

  private constructor(process: ComponentProcess, reaper: ReaperLink) {
    this.#process = process;
    this.#reaper = reaper;
  }

  /** Starts it; resolves when it watches and works. */
  static async start(
    cluster: Pick<ControlPlaneAccess, 'kubeconfigFor'>,
    options: OperatorOptions,
    signal: AbortSignal,
  ): Promise<BenchOperator> {
    const directory = await mkdtemp(join(tmpdir(), 'pequod-bench-operator-'));
    const kubeconfig = await cluster.kubeconfigFor(OPERATOR_IDENTITY, signal);
    const { profileDirectory, logLevel, flags = [] } = options;
    const profiling =
      profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
    const settings = ['--kubeconfig', kubeconfig, '--log-level', logLevel, ...flags];
    const args = [...profiling, PROGRAM, 'controller', ...settings];
    const reaper = new ReaperLink(directory);
    const child = new ComponentProcess(
      {
        name: 'operator',
        command: process.execPath,
        args,
        workingDirectory: directory,
        logPath: join(directory, 'operator.log'),
        graceMs: STOP_GRACE_MS,
      },
      reaper,
    );
    const operator = new BenchOperator(child, reaper);
    try {
      await child.orEnd(
        operator.#untilRunning(AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)])),
      );
    } catch (error) {
      await operator.stop();
      throw error;
    }
    return operator;
  }

  get isRunning(): boolean {
    return !this.#process.hasEnded;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Its log so far. */
  get log(): string {
    return this.#process.lastLines(Number.POSITIVE_INFINITY);
  }

  /** Renders since its start; known only at log level debug. */
  get renders(): number {
    return this.log.split(RENDERED).length - 1;
  }

  /** Settles as `wait` does, or fails as soon as the operator ends by itself. */
  async orEnd<T>(wait: Promise<T>): Promise<T> {
    return await this.#process.orEnd(wait);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#reaper.release();
  }

  async #untilRunning(signal: AbortSignal): Promise<void> {
    while (!this.log.includes('operator is running')) await delay(POLL_MS, undefined, { signal });
  }
}
