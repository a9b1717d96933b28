// The CRDs and the tables of docs/api.md are generated, and in step with their source.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

test.each(['manifests', 'api-docs'])('scripts/%s.ts has nothing to write', async (script) => {
  const checked = run(process.execPath, [join(ROOT, `scripts/${script}.ts`), '--check'], { cwd: ROOT });
  await expect(checked).resolves.toBeDefined();
});
