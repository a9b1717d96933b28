import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withoutGo } from '../servers/index.ts';

it('without Go the test files that run what Go makes are skipped, by name, and no others', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'pequod-no-go-'));
  try {
    const { missing, skipped } = await withoutGo({ PATH: empty, PEQUOD_CONTROL_PLANE_CACHE: empty });
    expect(missing).toEqual(['registry', 'cue', 'oras-tool']);
    expect(skipped).toContain('e2e/sources-oci.test.ts');
    expect(skipped).toContain('test/integration/cli/publishing.test.ts');
    expect(skipped).not.toContain('e2e/sources-git.test.ts');
    expect(skipped).not.toContain('test/integration/control-plane/life.test.ts');
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
});
