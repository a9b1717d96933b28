// Every error code has a row in docs/errors.md, and every row a code: the sources are searched for both forms in which a
// code is written, `code: 'X'` and a member of a union of codes.
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** Written like codes, but names of other things. */
const OTHER_NAMES: ReadonlySet<string> = new Set([
  'COSIGN_PASSWORD',
  'CUE_REGISTRY',
  'DOCKER_CONFIG',
  'ENOENT',
  'ERR_WORKER_OUT_OF_MEMORY',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'NAME_UNKNOWN',
  'PEQUOD_SOURCE_PROXY',
]);

async function codesInSources(): Promise<ReadonlySet<string>> {
  const codes = new Set<string>();
  for await (const file of glob('src/**/*.ts', { cwd: ROOT })) {
    if (file.endsWith('.test.ts')) continue;
    const text = await readFile(join(ROOT, file), 'utf8');
    const found = text.matchAll(/code: '([A-Z][A-Z0-9_]*)'|'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g);
    for (const [, code, name] of found) codes.add(code ?? name ?? '');
  }
  return codes.difference(OTHER_NAMES);
}

async function codesInDocument(): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, 'docs/errors.md'), 'utf8');
  return [...text.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, code = '']) => code);
}

test('docs/errors.md explains exactly the codes that the sources have', async () => {
  const documented = await codesInDocument();
  expect([...documented].sort()).toEqual([...(await codesInSources())].sort());
});
