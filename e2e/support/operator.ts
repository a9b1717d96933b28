// The program as users run it: a process of its own, with the kubeconfig of its ServiceAccount and so with exactly the
// rights of deploy/rbac.yaml. It runs from source, so that a test speaks of the tree at hand and not of a build that may
// be older; PEQUOD_E2E_PROGRAM names a built program instead, PEQUOD_E2E_LOGS a folder where its logs are kept.
import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject } from '../../src/json/index.ts';
import { ComponentProcess } from '../../test/control-plane/component-process.ts';
import { type ControlPlaneAccess, OPERATOR_IDENTITY } from '../../test/control-plane/index.ts';
import { ReaperLink } from '../../test/control-plane/reaper-link.ts';

const START_TIMEOUT_MS = 60_000;
/** What a Pod gets by default. */
const STOP_GRACE_MS = 30_000;
const POLL_MS = 20;

export interface OperatorSettings {
  /** Further flags of `pequod controller`. */
  readonly flags?: readonly string[];
  /** Variables that it finds in its environment besides those of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One operator at a time on a cluster, unless they share the work by leases: two would fight. */
export class Operator {
  readonly #command: readonly string[];
  readonly #directory: string;
  readonly #reaper: ReaperLink;
  #process: ComponentProcess | undefined;
  #starts = 0;

  private constructor(command: readonly string[], directory: string) {
    this.#command = command;
    this.#directory = directory;
    this.#reaper = new ReaperLink(directory);
  }

  /** Resolves when it watches and works. */
  static async start(cluster: ControlPlaneAccess, settings: OperatorSettings = {}): Promise<Operator> {
    const directory = await mkdtemp(join(tmpdir(), 'pequod-operator-'));
    // The next one gets a file of the same name, with a token of its own.
    const kubeconfig = join(directory, 'kubeconfig.yaml');
    await cp(await cluster.kubeconfigFor(OPERATOR_IDENTITY), kubeconfig);
    const program = resolve(process.env['PEQUOD_E2E_PROGRAM'] ?? 'src/cli/pequod.ts');
    const flags = ['--kubeconfig', kubeconfig, '--log-level', 'debug', ...(settings.flags ?? [])];
    const variables = Object.entries(settings.environment ?? {}).map(([name, value]) => `${name}=${value}`);
    const command = [...variables, process.execPath, program, 'controller', ...flags];
    const operator = new Operator(command, directory);
    await operator.#launch();
    return operator;
  }

  /** Everything that it wrote since its last start. */
  get log(): string {
    return this.#process?.lastLines(Number.POSITIVE_INFINITY) ?? '';
  }

  get isRunning(): boolean {
    return this.#process?.hasEnded === false;
  }

  /** The process id; changes with each start. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Asks it to end and waits. @throws Error where it ends otherwise than with exit code 0. */
  async stop(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    await running.stop();
    const how = await running.ended;
    if (how !== 'ended with code 0')
      throw new Error(`operator ${how}; its last lines:\n${running.lastLines()}`);
  }

  /** Ends it as a crash does: it gets no say. */
  async kill9(): Promise<void> {
    await this.#process?.stop('SIGKILL');
  }

  /** Holds it wherever it is; it notices nothing, and its connections stay. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  /** Lets it go on after {@link pause}. */
  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Settles when it has ended, with a sentence about how. */
  get ended(): Promise<string> {
    return this.#process?.ended ?? Promise.reject(new Error('the operator was never started'));
  }

  /** What tells its requests in the audit log from those of others that are the same user. */
  async credential(): Promise<string> {
    const file = await readFile(join(this.#directory, 'kubeconfig.yaml'), 'utf8');
    const [, payload = ''] = /token: [\w-]+\.([\w-]+)\./.exec(file) ?? [];
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!isJsonObject(claims)) throw new Error('the kubeconfig has no token');
    return `JTI=${claims['jti']}`;
  }

  /** Starts it again, after {@link stop} where it still runs. */
  async restart(): Promise<void> {
    if (this.isRunning) await this.stop();
    await this.#launch();
  }

  /** Ends it, if it runs, and removes its logs. */
  async release(): Promise<void> {
    try {
      if (this.isRunning) await this.stop();
    } finally {
      const kept = process.env['PEQUOD_E2E_LOGS'];
      if (kept !== undefined)
        await cp(this.#directory, join(kept, basename(this.#directory)), { recursive: true });
      await this.#reaper.release();
    }
  }

  async #launch(): Promise<void> {
    this.#starts += 1;
    const started = new ComponentProcess(
      {
        name: 'operator',
        // It becomes the program that it starts, with the same process id.
        command: 'env',
        args: this.#command,
        workingDirectory: this.#directory,
        logPath: join(this.#directory, `operator-${this.#starts}.log`),
        graceMs: STOP_GRACE_MS,
      },
      this.#reaper,
    );
    this.#process = started;
    const limit = AbortSignal.timeout(START_TIMEOUT_MS);
    await started.orEnd(untilRunning(started, limit));
  }
}

async function untilRunning(program: ComponentProcess, limit: AbortSignal): Promise<void> {
  while (!program.lastLines(Number.POSITIVE_INFINITY).includes('operator is running')) {
    if (program.hasEnded) return;
    if (limit.aborted) throw new Error(`the operator did not start; its last lines:\n${program.lastLines()}`);
    await delay(POLL_MS);
  }
}
