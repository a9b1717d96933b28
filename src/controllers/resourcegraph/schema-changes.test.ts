import { expect, test } from 'vitest';
import { SchemaChanges } from './schema-changes.ts';

test('a change of a definition is told of its group, once', () => {
  const changes = new SchemaChanges();
  changes.changed('widgets.example.com');
  const isChanged = changes.take();
  expect(['example.com', 'widgets.example.com', 'com', ''].map(isChanged)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(changes.take()('example.com')).toBe(false);
});
