// A process that uses a cache folder until it is killed, or as often as it is told: reads and writes entries whose
// content follows from their key, and ends with 1 where it reads anything else. Each line that it prints is one step.
// Arguments: folder, steps, seed.
import { argv, exit, stdout } from 'node:process';
import { ByteCache } from '../../src/cache/index.ts';
import { silentLogger } from '../../src/observability/index.ts';
import { CACHE_LIMITS, contentOf, isContentOf, KEYS } from './cache-content.ts';

const [, , folder = '', steps = '0', seed = '1'] = argv;
let state = Number(seed);
/** A number below `limit`; the same ones for the same seed. */
function random(limit: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  return Math.floor((state / 2 ** 31) * limit);
}

const cache = await ByteCache.open({ ...CACHE_LIMITS, folder, log: silentLogger(), now: Date.now });
for (let step = 0; step < Number(steps); step += 1) {
  const key = `key ${random(KEYS)}`;
  stdout.write('.');
  const found = await cache.get(key);
  if (found !== undefined && !isContentOf(key, found)) exit(1);
  if (found === undefined || random(4) === 0) {
    const write = cache.put(key, contentOf(key));
    // Sometimes several at once.
    if (random(3) > 0) await write;
  }
}
await cache.close();
