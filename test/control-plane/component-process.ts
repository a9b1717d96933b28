import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReaperLink } from './reaper-link.ts';

/** How to run one program of the control plane. */
export interface ComponentSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  /** Standard output and error are appended here. */
  readonly logPath: string;
  /** How long it may take to end after SIGTERM before it is killed. */
  readonly graceMs: number;
}

const ERROR_LOG_LINES = 15;

/** One running program: its own process group (a terminal's Ctrl-C must not reach it), watched by the reaper. */
export class ComponentProcess {
  readonly spec: ComponentSpec;
  readonly pid: number;
  /** Settles, with a sentence about how, when the process has ended. */
  readonly ended: Promise<string>;
  #hasEnded = false;
  readonly #process: ChildProcess;

  constructor(spec: ComponentSpec, reaper: ReaperLink) {
    this.spec = spec;
    const log = openSync(spec.logPath, 'a');
    const child = spawn(spec.command, spec.args, {
      cwd: spec.workingDirectory,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#process = child;
    this.pid = child.pid ?? 0;
    if (this.pid !== 0) reaper.watch(this.pid);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
    });
    void this.ended.then(() => {
      this.#hasEnded = true;
      if (this.pid !== 0) reaper.forget(this.pid);
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves with `wait`'s value, or fails with the last log lines when the process ends before that. */
  async orEnd<T>(wait: Promise<T>): Promise<T> {
    const failure = this.ended.then((how): never => {
      throw new Error(`${this.spec.name} ${how}; its last lines:\n${this.lastLines()}`);
    });
    return await Promise.race([wait, failure]);
  }

  /** Sends `signal`, and SIGKILL when the grace time is over; resolves when the process has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#hasEnded) return;
    this.#process.kill(signal);
    const timer = new AbortController();
    const killer = delay(this.spec.graceMs, undefined, { signal: timer.signal }).then(
      () => this.#process.kill('SIGKILL'),
      () => false,
    );
    await this.ended;
    timer.abort();
    await killer;
  }

  /** The end of the log, for error messages. */
  lastLines(count: number = ERROR_LOG_LINES): string {
    return readFileSync(this.spec.logPath, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  }
}
