// docs/faults.md names a test for each fault. A test that was renamed or removed would leave the page telling lies.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

interface Named {
  readonly file: string;
  readonly name: string;
}

async function namedTests(): Promise<readonly Named[]> {
  const page = await readFile(join(ROOT, 'docs/faults.md'), 'utf8');
  return [...page.matchAll(/`([\w/.-]+\.test\.ts)`: (.+?)(?=<br>| \|$)/gm)].map(
    ([, file = '', name = '']) => ({ file, name }),
  );
}

test('every test that docs/faults.md names exists', async () => {
  const named = await namedTests();
  expect(named.length).toBeGreaterThan(20);
  for (const { file, name } of named) {
    expect(await readFile(join(ROOT, file), 'utf8'), `${file} has no test "${name}"`).toContain(name);
  }
});
