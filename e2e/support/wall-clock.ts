// A wall clock that a test sets, for one operator alone: libfaketime stands between it and the system's. The clock that
// never goes back runs on as it does.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, systemProgram } from '../../test/servers/index.ts';

export class WallClock {
  /** For {@link OperatorSettings.environment}. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #file: string;

  private constructor(directory: string, library: string) {
    this.#directory = directory;
    this.#file = join(directory, 'offset');
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** One that is right. */
  static async make(): Promise<WallClock> {
    const { stdout } = await runProgram(systemProgram('faketime'), ['-f', '+0s', 'env'], {});
    const [, library = ''] = /^LD_PRELOAD=(.*)$/m.exec(stdout) ?? [];
    const clock = new WallClock(await mkdtemp(join(tmpdir(), 'pequod-clock-')), library);
    await clock.jump(0);
    return clock;
  }

  /** From now on it is wrong by so much. */
  async jump(seconds: number): Promise<void> {
    await writeFile(this.#file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`);
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
