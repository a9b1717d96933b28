// What every server of the tests stands on: a temporary directory, and processes in it that end when the test process
// does, in whatever way.
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ComponentProcess, type ComponentSpec, ReaperLink } from '../control-plane/index.ts';

const POLL_MS = 20;
const START_TIMEOUT_MS = 30_000;

/** A directory and the processes in it; all of it goes with {@link Site.close}. */
export class Site {
  readonly directory: string;
  readonly reaper: ReaperLink;
  readonly #processes: ComponentProcess[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.reaper = new ReaperLink(directory);
  }

  static async #open(name: string): Promise<Site> {
    return new Site(await mkdtemp(join(tmpdir(), `pequod-${name}-`)));
  }

  /** What `start` makes in a new directory; where it fails, the directory goes, with what already runs in it. */
  static async startIn<T>(name: string, start: (site: Site) => Promise<T>): Promise<T> {
    const site = await Site.#open(name);
    try {
      return await start(site);
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Writes a file that only this user may read, and returns its path. */
  async write(name: string, text: string): Promise<string> {
    const path = this.path(name);
    await writeFile(path, text);
    await chmod(path, 0o600);
    return path;
  }

  /** Runs a program, and resolves when it takes connections at `address`: a port of 127.0.0.1 or a socket's path. */
  async run(
    spec: Pick<ComponentSpec, 'name' | 'command' | 'args'>,
    address: number | string,
    signal: AbortSignal = AbortSignal.timeout(START_TIMEOUT_MS),
  ): Promise<ComponentProcess> {
    const logPath = this.path(`${spec.name}.log`);
    const process = new ComponentProcess(
      { ...spec, workingDirectory: this.directory, logPath, graceMs: 3_000 },
      this.reaper,
    );
    this.#processes.push(process);
    await process.orEnd(untilListening(address, process, signal));
    return process;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await this.reaper.release();
  }
}

async function untilListening(
  address: number | string,
  process: ComponentProcess,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isListening(address))) {
    if (process.hasEnded) return;
    await delay(POLL_MS, undefined, { signal });
  }
}

async function isListening(address: number | string): Promise<boolean> {
  const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address);
  return await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
