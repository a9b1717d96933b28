// docs/metrics.md lists exactly the metrics that there are, with their types and labels.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Metrics } from '../../src/observability/index.ts';

const PAGE = join(import.meta.dirname, '../../docs/metrics.md');

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

const byName = (a: Row, b: Row): number => (a.name < b.name ? -1 : 1);

async function rowsOfPage(): Promise<readonly Row[]> {
  const text = await readFile(PAGE, 'utf8');
  return [...text.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
    ([, name = '', type = '', labels = '']) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)]
        .map(([, label = '']) => label)
        .filter((label) => !isValue(label)),
    }),
  );
}

/** Values stand behind their label and a colon. */
function isValue(word: string): boolean {
  return ['memory', 'disk', '429', '503', '504', 'timeout', 'operator', 'tenant'].includes(word);
}

async function registered(): Promise<readonly Row[]> {
  const metrics = new Metrics();
  metrics.watchCache(() => []);
  metrics.watchCircuits(() => []);
  metrics.api.watchLoad(() => ({ inFlight: 0, waiting: 0, limit: 1 }));
  const types = new Map<string, string>();
  for (const [, name = '', type = ''] of (await metrics.expose()).matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    types.set(name, type);
  }
  return metrics.list().map(({ name, labels }) => ({ name, type: types.get(name) ?? '', labels }));
}

test('docs/metrics.md lists each metric with type and labels, and no other', async () => {
  const rows = [...(await rowsOfPage())].sort(byName);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows).toEqual([...(await registered())].sort(byName));
});
