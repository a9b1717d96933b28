import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Whether a process runs. One that has ended but that nobody has waited for (a zombie) does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/^\d+ \(.*\) Z/.test(readFileSync(stat, 'utf8'));
}

/** Asks again until `isTrue` says so; fails, naming `what`, when `signal` fires first. */
export async function waitUntil(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  signal: AbortSignal = AbortSignal.timeout(20_000),
): Promise<void> {
  while (!(await isTrue())) {
    if (signal.aborted) throw new Error(`waited in vain: ${what}`);
    await delay(POLL_MS);
  }
}
