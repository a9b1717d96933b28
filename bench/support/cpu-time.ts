// Where the time of a shared machine went: CPU seconds by process. Linux only; elsewhere there is nothing to tell.
import { existsSync, readFileSync } from 'node:fs';

export interface Watched {
  readonly name: string;
  readonly pid: number;
}

/** Clock ticks a second, as the kernel reports to user space on every architecture that matters here. */
const TICKS_PER_SECOND = 100;
/** Fields after the command's closing parenthesis: state is the first, utime and stime are these. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** CPU seconds that each process has taken in its life. */
export function cpuSeconds(processes: readonly Watched[]): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const { name, pid } of processes) {
    const path = `/proc/${pid}/stat`;
    if (!existsSync(path)) continue;
    const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(path, 'utf8')) ?? [];
    const fields = rest.split(' ');
    seconds.set(name, (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_PER_SECOND);
  }
  return seconds;
}

/** What each took since `before`, in seconds. */
export function cpuSince(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const taken = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(taken.map(([name, seconds]) => [name, Number(seconds.toFixed(2))]));
}
