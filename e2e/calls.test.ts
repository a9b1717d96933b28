// What a Transform costs the API server, by its audit log. On a control plane of its own: the operator's calls are
// counted, and any other story's would be among them.
import { describe, expect, test } from 'vitest';
import { measureCalls } from '../bench/calls/calls.ts';

const SETTLED = 50;
const IDLE_MS = 60_000;
const TIMEOUT_MS = 300_000;

describe('calls to the API server', () => {
  test(
    'N objects converge in N + 5; what is settled costs none, a restart neither writes nor renders',
    async ({ signal }) => {
      const said: string[] = [];
      const { figures } = await measureCalls(
        { settled: SETTLED, idleMs: IDLE_MS },
        (line) => said.push(line),
        signal,
      );
      const told = said.join('\n');
      expect(figures.converge, told).toBeLessThanOrEqual(figures.n + 5);
      expect(figures, told).toMatchObject({ n: 5, idle: 0, restartWrites: 0, restartRenders: 0 });
    },
    TIMEOUT_MS,
  );
});
