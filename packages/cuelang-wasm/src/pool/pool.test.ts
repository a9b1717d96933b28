import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CuePool, CuePoolClosedError, type CuePoolOptions } from '../index.ts';

const MIB = 1024 * 1024;
const runaway = {
  id: 'runaway',
  files: {
    'a.cue':
      'import "list"\nx: len([for a in list.Range(0, 1000, 1) for b in list.Range(0, 1000000, 1) if b < 0 {a}])',
  },
};
const small = { id: 'small', files: { 'a.cue': 'in: _\nx: in' } };
const queries = [{ type: 'export', path: 'x' }] as const;

async function answer(pool: CuePool, n: number, signal?: AbortSignal): Promise<string | undefined> {
  const fills = [{ path: 'in', json: String(n) }];
  const options = signal === undefined ? {} : { signal };
  const outcome = await pool.evaluate({ module: small, fills, queries }, { deadlineMs: 60_000, ...options });
  return outcome.ok ? outcome.results[0]?.json : outcome.errors[0]?.message;
}

async function withPool(options: CuePoolOptions, use: (pool: CuePool) => Promise<void>): Promise<void> {
  const pool = await CuePool.create(options);
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

describe('a shared pool', () => {
  let pool: CuePool;
  beforeAll(async () => {
    pool = await CuePool.create({ maxWorkers: 2 });
  });
  afterAll(() => pool.close());

  test('evaluations beside each other get their own answers', async () => {
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    expect(await Promise.all(numbers.map((n) => answer(pool, n)))).toEqual(numbers.map(String));
    expect(pool.stats.busy).toBe(0);
  });

  test('a runaway is stopped at its deadline and its worker replaced', async () => {
    expect(pool.stats).toMatchObject({ busy: 0, idle: 2, hasSpare: true });
    const outcome = await pool.evaluate({ module: runaway, queries }, { deadlineMs: 200 });
    expect(outcome).toMatchObject({
      ok: false,
      errors: [{ kind: 'limit', limit: 'deadline', positions: [] }],
    });
    expect(pool.stats).toMatchObject({ busy: 0, idle: 1, hasSpare: true });
    expect(await Promise.all([1, 2].map((n) => answer(pool, n)))).toEqual(['1', '2']);
    expect(pool.stats).toMatchObject({ busy: 0, idle: 2, hasSpare: true });
  });

  test('a signal ends what is running, and what is waiting', async () => {
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const runs = controllers.map(({ signal }) =>
      pool.evaluate({ module: runaway, queries }, { deadlineMs: 60_000, signal }),
    );
    expect(pool.stats).toMatchObject({ busy: 2, queued: 2 });
    const settled = Promise.allSettled(runs);
    for (const it of controllers.toReversed()) it.abort(new Error('enough'));
    for (const it of await settled)
      expect(it).toMatchObject({ status: 'rejected', reason: new Error('enough') });
    expect(pool.stats.queued).toBe(0);
    await expect(answer(pool, 1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    expect(await answer(pool, 2)).toBe('2');
  });

  test('no listener stays on a signal that many evaluations share', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await Promise.all([1, 2, 3, 4, 5].map((n) => answer(pool, n, signal)));
    expect(listeners).toBe(0);
  });

  test('a loader is given the signal of its evaluation', async () => {
    const controller = new AbortController();
    const module = {
      id: 'waits',
      files: {
        'cue.mod/module.cue': 'module: "a.b/c@v0"\ndeps: "l.x/a@v0": v: "v0.1.0"',
        'a.cue': 'package c',
      },
      dependencies: (_path: string, _version: string, signal: AbortSignal) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
          controller.abort(new Error('no longer wanted'));
        }),
    };
    const run = pool.evaluate({ module, queries }, { signal: controller.signal });
    await expect(run).rejects.toThrow('no longer wanted');
  });
});

test('a module that a worker dropped is sent again', async () => {
  await withPool({ maxWorkers: 1, cachedModules: 2 }, async (pool) => {
    const run = async (id: string) => {
      const module = { id, files: { 'a.cue': `x: "${id}"` } };
      const outcome = await pool.evaluate({ module, queries });
      return outcome.ok && outcome.results[0]?.json;
    };
    for (const id of ['a', 'b', 'c', 'a', 'b', 'b', 'c']) expect(await run(id)).toBe(`"${id}"`);
  });
});

test('a worker that served enough is replaced, and no answer is lost', async () => {
  await withPool({ maxWorkers: 2, recycle: { maxEvaluations: 5 } }, async (pool) => {
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    expect(await Promise.all(numbers.map((n) => answer(pool, n)))).toEqual(numbers.map(String));
    expect(pool.stats.recycled).toBeGreaterThanOrEqual(4);
  });
});

test('workers that are idle are stopped down to the minimum', async () => {
  await withPool({ maxWorkers: 3, minWorkers: 1, idleTimeoutMs: 50, hasSpare: false }, async (pool) => {
    await Promise.all([1, 2, 3].map((n) => answer(pool, n)));
    // The first to finish may have gone before the last one has.
    expect(pool.stats.started).toBeGreaterThanOrEqual(2);
    await expect.poll(() => pool.stats.idle, { timeout: 10_000 }).toBe(1);
    expect(await answer(pool, 4)).toBe('4');
  });
});

test('no worker is there before the first call, nor a while after the last one, where none has to be kept', async () => {
  await withPool({ maxWorkers: 2, minWorkers: 0, idleTimeoutMs: 50 }, async (pool) => {
    expect(pool.stats).toMatchObject({ started: 0, hasSpare: false });
    for (let round = 1; round <= 2; round += 1) {
      expect(await Promise.all([1, 2].map((n) => answer(pool, n)))).toEqual(['1', '2']);
      expect(pool.stats.memoryBytes).toBeGreaterThan(0);
      await expect
        .poll(() => pool.stats, { timeout: 10_000 })
        .toMatchObject({ busy: 0, idle: 0, hasSpare: false, memoryBytes: 0 });
    }
    // Also where the last one did not go by itself.
    await pool.evaluate({ module: runaway, queries }, { deadlineMs: 100 });
    await expect.poll(() => pool.stats.hasSpare, { timeout: 10_000 }).toBe(false);
  });
});

test('a closed pool refuses, and rejects what was under way', async () => {
  const pool = await CuePool.create({ maxWorkers: 1 });
  const runs = [1, 2].map(() => pool.evaluate({ module: runaway, queries }, { deadlineMs: 60_000 }));
  const settled = Promise.allSettled(runs);
  await pool.close();
  for (const it of await settled) {
    expect(it.status === 'rejected' && it.reason).toBeInstanceOf(CuePoolClosedError);
  }
  await expect(answer(pool, 1)).rejects.toThrow(CuePoolClosedError);
  expect(pool.stats).toMatchObject({ busy: 0, idle: 0, hasSpare: false, memoryBytes: 0 });
});

test.each([
  ['closed', 'await pool.close();'],
  ['left idle', ''],
])('a pool that is %s doesn’t keep the process alive', async (_name, end) => {
  const index = fileURLToPath(new URL('../index.ts', import.meta.url));
  const script = `
    import { CuePool } from ${JSON.stringify(index)};
    const pool = await CuePool.create();
    const outcome = await pool.evaluate({ module: { id: 'a', files: { 'a.cue': 'x: 1' } }, queries: [{ type: 'export', path: 'x' }] });
    process.stdout.write(outcome.results[0].json);
    ${end}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  try {
    const [code] = await once(child, 'close');
    expect([code, Buffer.concat(output).toString()]).toEqual([0, '1']);
  } finally {
    child.kill('SIGKILL');
  }
});

test('10,000 renders with labels never seen before stay in bounded memory', {
  timeout: 120_000,
}, async () => {
  const limit = 96 * MIB;
  await withPool(
    { maxWorkers: 2, maxMemoryBytes: limit, recycle: { memoryBytes: 40 * MIB } },
    async (pool) => {
      const render = async (n: number): Promise<void> => {
        const labels = Array.from({ length: 10 }, (_, i) => `"label-${n}-${i}-${'x'.repeat(100)}":${i}`);
        const fills = [{ path: 'in', json: `{${labels.join(',')}}` }];
        const outcome = await pool.evaluate({ module: small, fills, queries }, { deadlineMs: 60_000 });
        if (!outcome.ok || outcome.results[0]?.json === undefined) throw new Error(JSON.stringify(outcome));
      };
      for (let n = 0; n < 10_000; n += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => render(n + i)));
      }
      expect(pool.stats.peakWorkerMemoryBytes).toBeLessThan(limit);
      expect(pool.stats.recycled).toBeGreaterThan(0);
      expect(pool.stats.memoryBytes).toBeLessThan(3 * limit);
    },
  );
});
