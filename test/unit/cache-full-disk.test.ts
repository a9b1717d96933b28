// The cache on file systems that are full or read-only: real ones, where the test may mount them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { ByteCache } from '../../src/cache/index.ts';

const MEGABYTE = 2 ** 20;
const ENTRY_BYTES = 100_000;

const folder = mkdtempSync(join(tmpdir(), 'cache-full-'));
const isMounted = mount();

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTE},mode=0700`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

afterAll(() => {
  if (isMounted) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

async function open(path: string, warnings: string[]): Promise<ByteCache> {
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) });
  return await ByteCache.open({ folder: path, log, now: Date.now, maxMemoryBytes: ENTRY_BYTES });
}

async function put(cache: ByteCache, index: number): Promise<void> {
  await cache.put(`key ${index}`, new Uint8Array(ENTRY_BYTES).fill(index));
}

test.skipIf(!isMounted)(
  'a volume smaller than the limit keeps what is used most, without complaint',
  async () => {
    const warnings: string[] = [];
    const path = join(folder, 'small');
    await mkdir(path, { mode: 0o700 });
    const cache = await open(path, warnings);
    for (let index = 0; index < 30; index += 1) await put(cache, index);
    expect((await cache.get('key 29'))?.[0]).toBe(29);
    expect((await cache.get('key 25'))?.[0]).toBe(25);
    expect(await cache.get('key 0')).toBeUndefined();
    expect(warnings).toEqual([]);
  },
);

test.skipIf(!isMounted)(
  'a disk that others have filled costs one warning, and read-only one another',
  async () => {
    const warnings: string[] = [];
    execFileSync('sh', [
      '-c',
      `rm -rf ${folder}/small; cat /dev/zero > ${folder}/filler 2>/dev/null || true`,
    ]);
    const full = await open(join(folder, 'full'), warnings);
    for (let index = 0; index < 5; index += 1) await put(full, index);
    expect((await full.get('key 4'))?.[0]).toBe(4);
    expect(warnings).toEqual(['the disk of the cache fails; modules are served from memory']);
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const readOnly = await open(join(folder, 'other'), warnings);
    await put(readOnly, 1);
    expect((await readOnly.get('key 1'))?.[0]).toBe(1);
    expect(warnings.slice(1)).toEqual(['the cache folder is not used']);
  },
);
