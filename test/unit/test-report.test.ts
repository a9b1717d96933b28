import { expect, test } from 'vitest';
import { countTests, summarise } from '../../scripts/test-report.ts';

const file = (status: string, ...states: string[]): unknown => ({
  status,
  assertionResults: states.map((state) => ({ status: state, fullName: `a ${state} test` })),
});

test('the last lines name what was skipped and count tests over all files', () => {
  const counts = countTests({
    testResults: [file('passed', 'passed', 'skipped'), file('failed', 'failed', 'passed')],
  });
  const { text, isGood } = summarise(counts, 1);
  expect(text.split('\n')).toEqual(['skipped: a skipped test', '2 passed, 1 failed, 1 skipped']);
  expect(isGood).toBe(false);
});

test('a file that could not be loaded is a failed test', () => {
  const counts = countTests({ testResults: [file('passed', 'passed'), file('failed')] });
  expect(counts).toEqual({ passed: 1, failed: 1, skipped: [] });
});

test('a run is good only when tests ran and vitest agrees', () => {
  const one = { passed: 1, failed: 0, skipped: [] };
  expect(summarise(one, 0)).toEqual({ text: '1 passed, 0 failed', isGood: true });
  expect(summarise(one, 1).isGood).toBe(false);
  expect(summarise({ passed: 0, failed: 0, skipped: ['one'] }, 0).isGood).toBe(false);
  expect(summarise(undefined, 1).text.split('\n').at(-1)).toBe('0 passed, 0 failed');
});

test('a report of another form is refused', () => {
  expect(() => countTests({ results: [] })).toThrow(TypeError);
});
