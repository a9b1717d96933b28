import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/**
 * The parent's end of the {@link file://./reaper.ts} watchdog. Node opens the pipe close-on-exec, so no process that
 * the parent starts afterwards inherits it and keeps it open.
 */
export class ReaperLink {
  readonly #process: ChildProcessByStdio<Writable, null, null>;

  /** Starts the watchdog of `directory`, which it removes at the end. */
  constructor(directory: string) {
    const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env;
    this.#process = spawn(
      process.execPath,
      [fileURLToPath(new URL('reaper.ts', import.meta.url)), directory],
      {
        detached: true,
        env,
        cwd: '/',
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    // Should the watchdog be gone, writing to it fails: there is then nobody left to tell.
    this.#process.stdin.on('error', () => undefined);
  }

  /** Its process id, for tests that check that nothing stays behind. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Has the process group `pid` killed when this process ends. */
  watch(pid: number): void {
    this.#process.stdin.write(`+${pid}\n`);
  }

  /** The process has ended: its number may soon be another's. */
  forget(pid: number): void {
    this.#process.stdin.write(`-${pid}\n`);
  }

  /** Ends the watchdog: kills whatever is still watched, removes the directory, and waits until both are done. */
  async release(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exit;
  }
}
