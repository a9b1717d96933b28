// What a benchmark gives: its figures, one line for a reader or a script, and the raw data behind them with the machine
// that they come from, for bench/results.
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { VERSIONS } from '../../test/control-plane/index.ts';

export interface Measured<F extends object> {
  readonly figures: F;
  /** Everything that the figures were computed from. */
  readonly details: unknown;
}

const RESULTS = new URL('../results/', import.meta.url);

/** Writes `bench/results/<name>.json`. */
export async function saveResult(name: string, { figures, details }: Measured<object>): Promise<void> {
  const [load = 0] = loadavg();
  const machine = {
    cores: availableParallelism(),
    node: process.version,
    kubernetes: VERSIONS.kubernetes,
    etcd: VERSIONS.etcd,
    // Of the last minute, the benchmark's own share included: much more than the cores means that others worked too.
    loadAtEnd: Number(load.toFixed(2)),
  };
  const result = { takenAt: new Date().toISOString(), machine, figures, details };
  await writeFile(new URL(`${name}.json`, RESULTS), `${JSON.stringify(result, undefined, 2)}\n`);
}
