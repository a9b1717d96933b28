import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { waitUntil } from '../control-plane/processes.ts';

/** Commands that run with one of these directories on their command line. */
function commandsWith(directories: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it has ended in the meantime
      }
    })
    .filter((command) => directories.some((directory) => command.includes(directory)));
}

test.runIf(existsSync('/proc'))(
  'a parent that is killed with -9 leaves neither servers nor directories',
  async () => {
    // Which calls startRegistry and the others.
    const script = fileURLToPath(new URL('fixtures/parent.ts', import.meta.url));
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await once(createInterface({ input: parent.stdout }), 'line');
      const report: unknown = JSON.parse(String(line));
      if (!Array.isArray(report)) throw new Error(`not a report: ${line}`);
      const directories = report.map(String);
      expect(directories.every((directory) => existsSync(directory))).toBe(true);
      // Each has its watchdog; registry and sshd are programs of their own beside it.
      expect(commandsWith(directories).length).toBeGreaterThan(directories.length);

      parent.kill('SIGKILL');
      await waitUntil('the processes are gone', () => commandsWith(directories).length === 0);
      expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
    } finally {
      parent.kill('SIGKILL');
    }
  },
);
