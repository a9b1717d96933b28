import { expect, test } from 'vitest';
import { stringifyJson } from '../json/index.ts';
import { parseYaml } from '../yaml/index.ts';
import { formatObjects } from './manifest.ts';

test('what is printed reads back as the same value, for readers of YAML 1.1 too', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data: { a: 'yes', b: '0755', c: '1:30', d: '2026-01-01', e: 'two\nlines\n', f: '1e3' },
    numbers: [JSON.rawJSON('9223372036854775807'), JSON.rawJSON('1.0'), 2.5],
  };
  const text = formatObjects([object, object], 'yaml');
  expect(text).toContain('- 1.0\n');
  const [first, second] = parseYaml('f.yaml', text);
  expect(first?.value).toMatchObject({ data: object.data });
  expect(stringifyJson(second?.value ?? null)).toContain('[9223372036854775807,1,2.5]');
});
