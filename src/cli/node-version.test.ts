import { expect, test } from 'vitest';
import { nodeVersionProblem } from './node-version.ts';

test('a Node that is too old is named', () => {
  expect(nodeVersionProblem('v20.20.2')).toBe('pequod needs Node 24 or later; this is v20.20.2');
});

test.each(['v24.0.0', 'v25.1.0', process.version])('%s will do', (version) => {
  expect(nodeVersionProblem(version)).toBeUndefined();
});
