import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { accessControlPlane, startControlPlane } from '../../control-plane/index.ts';
import { isRunning, waitUntil } from './processes.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('runs beside another, loses and regains its API server, and leaves nothing when stopped', async () => {
  const other = accessControlPlane(inject('controlPlane'));
  const own = await startControlPlane({
    components: ['controller-manager'],
    apiServerFlags: ['--event-ttl=10m'],
  });
  try {
    expect(own.url).not.toBe(other.url);
    await own.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']);
    await expect(other.kubectl(['get', 'configmap', 'kept'])).rejects.toThrow('not found');
    expect(own.auditLogPath).toBeUndefined();
    await expect(own.openAuditLog()).rejects.toThrow('without an audit log');

    await own.stopApiServer('at-once');
    await expect(own.kubectl(['get', 'configmap', 'kept'])).rejects.toThrow('refused');
    await own.startApiServer();
    expect(await own.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).toBe('b');
    await expect(own.startApiServer()).rejects.toThrow('still running');
    // Only a running controller manager gives a new namespace its service account.
    await own.kubectl(['create', 'namespace', 'later']);
    await own.kubectl(['-n', 'later', 'wait', 'serviceaccount/default', '--for=create', '--timeout=30s']);
  } finally {
    const pids = own.processes().map(({ pid }) => pid);
    await own.stop();
    expect(pids).toHaveLength(4);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(own.directory)).toBe(false);
  }
  await own.stop();
});

test('a parent that is killed with -9 leaves neither processes nor directory', async () => {
  const script = fileURLToPath(new URL('fixtures/parent.ts', import.meta.url));
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const { pids, directory } = parseReport(String(line));
    expect(pids.length).toBeGreaterThanOrEqual(4);
    expect(pids.filter(isRunning)).toEqual(pids);

    parent.kill('SIGKILL');
    await waitUntil('the processes are gone', () => !pids.some(isRunning));
    expect(existsSync(directory)).toBe(false);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('a start that fails shows the last words of what failed and leaves nothing', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'failing-'));
  vi.stubEnv('TMPDIR', temporary);
  try {
    const start = startControlPlane({ components: [], apiServerFlags: ['--no-such-flag'] });
    await expect(start).rejects.toThrow(/kube-apiserver ended with code 1.*unknown flag: --no-such-flag/s);
    const aborted = startControlPlane({ components: [] }, AbortSignal.abort());
    await expect(aborted).rejects.toThrow('gave up waiting for /readyz');
    expect(await readdir(temporary)).toEqual([]);
  } finally {
    await rm(temporary, { recursive: true });
  }
});

function parseReport(line: string): { readonly pids: number[]; readonly directory: string } {
  const report: unknown = JSON.parse(line);
  if (typeof report !== 'object' || report === null || !('pids' in report) || !('directory' in report)) {
    throw new Error(`not a report: ${line}`);
  }
  const { pids, directory } = report;
  if (!Array.isArray(pids) || typeof directory !== 'string') throw new Error(`not a report: ${line}`);
  return { pids: pids.map(Number), directory };
}
