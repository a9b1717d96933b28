// The operator of one run, kept alive as a kubelet keeps a Pod: whenever its process ends, the next one is started.
import { setTimeout as delay } from 'node:timers/promises';
import { ComponentProcess, type ReaperLink } from '../control-plane/index.ts';

export interface KeptOperatorOptions {
  /** Path of `pequod.ts` or of what was compiled from it. */
  readonly program: string;
  readonly kubeconfig: string;
  /** The only namespace that it looks after; all of them without it. */
  readonly namespace?: string;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** Folder for its log and its cache. */
  readonly directory: string;
  readonly reaper: ReaperLink;
  /** Called when a process has ended and before the next one is started. */
  readonly beforeRestart: () => void;
}

const GRACE_MS = 30_000;
/** Its life is short: the second, slow compilation of the evaluator would never pay. */
const ENGINE_FLAGS = ['--liftoff-only'];
/** After an end that nobody wanted, as a kubelet does: a program that ends at once must not be started all the time. */
const RESTART_DELAY_MS = 1_000;

export class KeptOperator {
  readonly #options: KeptOperatorOptions;
  readonly #endings: string[] = [];
  #process: ComponentProcess | undefined;
  #life: Promise<void> | undefined;
  #isWanted = false;
  #isKilled = false;

  constructor(options: KeptOperatorOptions) {
    this.#options = options;
  }

  /** How processes ended that nobody killed, each with the last lines that it wrote. */
  get endings(): readonly string[] {
    return this.#endings;
  }

  get logPath(): string {
    return `${this.#options.directory}/operator.log`;
  }

  start(): void {
    this.#isWanted = true;
    this.#life = this.#live();
  }

  /** Ends the process as a crash does. */
  kill(): void {
    this.#isKilled = true;
    void this.#process?.stop('SIGKILL');
  }

  /** Ends it for good; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#process?.stop('SIGKILL');
    await this.#life;
  }

  async #live(): Promise<void> {
    while (this.#isWanted) {
      const started = this.#launch();
      this.#process = started;
      const how = await started.ended;
      if (!this.#isWanted) return;
      if (!this.#isKilled) {
        this.#endings.push(`${how}: ${started.lastLines(3)}`);
        await delay(RESTART_DELAY_MS);
      }
      this.#isKilled = false;
      this.#options.beforeRestart();
    }
  }

  #launch(): ComponentProcess {
    const { program, kubeconfig, namespace, flags = [], directory, reaper } = this.#options;
    const scope = namespace === undefined ? [] : ['--watch-namespace', namespace];
    const cache = ['--cache-dir', `${directory}/cache`];
    const small = ['--log-level', 'debug', '--render-workers', '1'];
    const settings = ['--kubeconfig', kubeconfig, ...small, ...cache, ...scope, ...flags];
    return new ComponentProcess(
      {
        name: 'operator',
        command: process.execPath,
        args: [...ENGINE_FLAGS, program, 'controller', ...settings],
        workingDirectory: directory,
        logPath: this.logPath,
        graceMs: GRACE_MS,
      },
      reaper,
    );
  }
}
