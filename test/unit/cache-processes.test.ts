// The folder of the cache among processes: killed while they write, and several at a time.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ByteCache } from '../../src/cache/index.ts';
import { Metrics, silentLogger } from '../../src/observability/index.ts';
import { CACHE_LIMITS, isContentOf, KEYS } from './cache-content.ts';

const WRITER = join(import.meta.dirname, 'cache-writer.ts');
const ENTRY = /^[0-9a-f]{64}$/;
const LEFTOVER_AGE_MS = 11 * 60_000;

let folder = '';
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-processes-'));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  await rm(folder, { recursive: true, force: true });
});

function startWriter(steps: number, seed: number): ChildProcess {
  const args = [WRITER, folder, String(steps), String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Resolves when the writer is at this step. */
async function untilStep(child: ChildProcess, step: number): Promise<void> {
  let steps = 0;
  const { stdout } = child;
  if (stdout === null) throw new Error('the writer has no output');
  await new Promise<void>((resolve, reject) => {
    stdout.on('data', (chunk: Buffer) => {
      steps += chunk.length;
      if (steps >= step) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code} at step ${steps}`)));
  });
}

/** Opens the folder and reads every key. @returns how many are there, and how many files were not what was written */
async function readAll(nowMs: number): Promise<{ readonly found: number; readonly corrupt: string }> {
  const metrics = new Metrics();
  const options = { ...CACHE_LIMITS, folder, log: silentLogger(), metrics, now: () => nowMs };
  const cache = await ByteCache.open(options);
  let found = 0;
  for (let index = 0; index < KEYS; index += 1) {
    const key = `key ${index}`;
    const bytes = await cache.get(key);
    if (bytes === undefined) continue;
    expect(isContentOf(key, bytes)).toBe(true);
    found += 1;
  }
  const corrupt = /^pequod_cue_cache_corrupt_total (\d+)$/m.exec(await metrics.expose())?.[1] ?? '';
  return { found, corrupt };
}

test('killed at any moment, a writer leaves whole entries, and nothing that stays', async () => {
  let leftovers = 0;
  for (let round = 0; round < 8; round += 1) {
    const child = startWriter(1_000_000, round + 1);
    await untilStep(child, 20 + 13 * round);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    leftovers += (await readdir(folder)).filter((name) => !ENTRY.test(name)).length;
    const { found, corrupt } = await readAll(Date.now());
    expect(found).toBeGreaterThan(0);
    expect(corrupt).toBe('0');
  }
  // The kills met writes that were under way, or this test shows nothing.
  expect(leftovers).toBeGreaterThan(0);
  await readAll(Date.now() + LEFTOVER_AGE_MS);
  const names = await readdir(folder);
  expect(names.filter((name) => !ENTRY.test(name))).toEqual([]);
  const sizes = await Promise.all(names.map(async (name) => (await lstat(join(folder, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(CACHE_LIMITS.maxBytes);
});

test('three processes on one folder read nothing but what was written, and none fails', async () => {
  const codes = await Promise.all(
    [11, 12, 13].map(async (seed) => {
      const child = startWriter(250, seed);
      child.stdout?.resume();
      const [code] = await once(child, 'exit');
      return code;
    }),
  );
  expect(codes).toEqual([0, 0, 0]);
  const { found, corrupt } = await readAll(Date.now());
  expect(found).toBeGreaterThan(0);
  expect(corrupt).toBe('0');
  const names = await readdir(folder);
  expect(names.every((name) => ENTRY.test(name))).toBe(true);
  expect(names.length).toBeLessThanOrEqual(CACHE_LIMITS.maxEntries);
});
