// The watchdog beside a control plane. It holds one end of a pipe whose other end only the parent has, so end-of-file
// means that the parent stopped it or died, in whatever way, `kill -9` included. Then it kills what is left of the
// processes, by process group, and removes the directory.
//
//   node reaper.ts <directory>     stdin: lines "+<pid>" (started) and "-<pid>" (gone)
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const PATIENCE_MS = 5_000;

const path = process.argv[2] ?? '';
if (path === '') throw new Error('usage: node reaper.ts <directory>');

// It outlives the parent by design: what stops the parent must not stop it before it has cleaned up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const groups = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (!Number.isSafeInteger(pid) || pid <= 1) continue;
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
}

for (const pid of groups) isAlive(pid, 'SIGKILL');
await remove();
// Until somebody has waited for a killed process it counts as there, which can take the system's init a while. What
// a process wrote between the kill and its end is removed then.
const deadline = Date.now() + PATIENCE_MS;
while ([...groups].some((pid) => isAlive(pid, 0)) && Date.now() < deadline) await delay(POLL_MS);
await remove();

function remove(): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Signals the process group of `pid` (0 only asks) and says whether there was one. */
function isAlive(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
