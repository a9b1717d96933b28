// What thousands of Transforms of one module cost the registry: one manifest and one blob, by tag and by digest.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pushSample } from '../../../e2e/support/publish.ts';
import type { CueRef } from '../../../src/api/index.ts';
import { ByteCache } from '../../../src/cache/index.ts';
import { EgressGuard } from '../../../src/egress/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import {
  clusterlessContext,
  loadEmbeddedLibrary,
  ModuleSources,
  NetworkPlaces,
} from '../../../src/source/index.ts';
import { ensureOrasTool, ensureRegistry, type Registry, startRegistry } from '../../servers/index.ts';

const TRANSFORMS = 5_000;
const NAMESPACES = 100;
const BUILD_TIMEOUT_MS = 600_000;
const signal = new AbortController().signal;
let registry: Registry;
let places: NetworkPlaces;
let sources: ModuleSources;

beforeEach(async () => {
  for (const ensure of [ensureRegistry, ensureOrasTool]) await ensure();
  registry = await startRegistry();
  places = new NetworkPlaces({
    guard: new EgressGuard({ allow: ['127.0.0.1'] }),
    cache: await ByteCache.open({ log: silentLogger(), now: Date.now }),
    plainHttpHosts: [registry.host],
    now: Date.now,
  });
  const library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../../cue'));
  sources = new ModuleSources({ library, places });
}, BUILD_TIMEOUT_MS);
afterEach(async () => {
  await places.close();
  await registry.stop();
});

test.each(['tag', 'digest'])(
  '5,000 Transforms of one %s ask once for the manifest and once for the blob',
  async (by) => {
    const digest = await pushSample(registry, 'shop:v1', '1');
    const ref = `oci://${registry.host}/shop${by === 'tag' ? ':v1' : `@${digest}`}`;
    const cueRef: CueRef = { type: 'oci', ref };
    registry.forget();
    const loaded = await Promise.all(
      Array.from({ length: TRANSFORMS }, (_, at) => {
        const context = { ...clusterlessContext(`team-${at % NAMESPACES}`), maxAgeMs: 150_000 };
        return sources.load(cueRef, context, signal);
      }),
    );
    expect(new Set(loaded.map((module) => module.digest))).toEqual(new Set([digest]));
    expect(registry.counts()).toEqual({ 'GET manifest': 1, 'GET blob': 1 });
  },
);
