// A lock in the file system, so that runs side by side do not build the same programs twice. Its holder renews it
// every few seconds; it counts as stale when its holder's process is gone (judged on the same host only) or when it
// was not renewed for a minute. Files are installed by rename, so the worst that a wrongly broken lock costs is time.
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;
const REPORT_MS = 15_000;
const RENEW_MS = 5_000;
const STALE_MS = 60_000;

/** Runs `work` while holding the lock file `path`. While another has it, `onWait` is told who, every 15 seconds. */
export async function withLock<T>(
  path: string,
  onWait: (holder: string) => void,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const identity = `${process.pid} ${hostname()} ${randomUUID()}`;
  let nextReport = 0;
  while (!(await tryCreate(path, identity))) {
    signal.throwIfAborted();
    const holder = await readFile(path, 'utf8').catch(ifMissing(undefined));
    if (holder === undefined) continue;
    if (await isStale(path, holder)) {
      // Renaming is what only one of several waiters can do.
      const grave = `${path}.${randomUUID()}`;
      await rename(path, grave).catch(ifMissing(undefined));
      await rm(grave, { force: true });
      continue;
    }
    if (Date.now() >= nextReport) {
      onWait(`process ${holder.split(' ')[0]}`);
      nextReport = Date.now() + REPORT_MS;
    }
    await delay(POLL_MS, undefined, { signal });
  }
  const renewal = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    RENEW_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    const holder = await readFile(path, 'utf8').catch(ifMissing(undefined));
    if (holder === identity) await rm(path, { force: true });
  }
}

async function tryCreate(path: string, identity: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(identity);
    await file.close();
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isStale(path: string, holder: string): Promise<boolean> {
  const [pid = '', host = ''] = holder.split(' ');
  if (host === hostname() && !isRunning(Number(pid))) return true;
  const age = await stat(path).then((stats) => Date.now() - stats.mtimeMs, ifMissing(0));
  return age > STALE_MS;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT')) return value;
    throw error;
  };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
