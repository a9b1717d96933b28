import { readFile } from 'node:fs/promises';

/** How many tests ended in which way. A file that could not be loaded counts as one failed test. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The closing lines of a run, the last of them alone and always of the same form. */
export interface TestSummary {
  readonly text: string;
  readonly isGood: boolean;
}

/** Counts from vitest's JSON report, or undefined where it wrote none. */
export async function readReport(path: string): Promise<TestCounts | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return countTests(JSON.parse(text));
}

/** @throws TypeError when the report is not of the known form. */
export function countTests(report: unknown): TestCounts {
  const files = member(report, 'testResults');
  if (!Array.isArray(files)) throw new TypeError('the test report has no testResults');
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files) {
    const tests = member(file, 'assertionResults');
    const states = Array.isArray(tests) ? tests.map((test) => member(test, 'status')) : [];
    for (const state of states) {
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
    if (member(file, 'status') === 'failed' && !states.includes('failed')) counts.failed += 1;
  }
  return counts;
}

/** A run is good when tests ran, none failed, and vitest itself ended well. */
export function summarise(counts: TestCounts | undefined, exitCode: number): TestSummary {
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const isGood = passed > 0 && failed === 0 && exitCode === 0;
  const lines: string[] = [];
  if (counts === undefined) lines.push(`vitest wrote no report and ended with code ${exitCode}`);
  else if (passed + failed === 0) lines.push('no test ran');
  else if (failed === 0 && exitCode !== 0)
    lines.push(`vitest ended with code ${exitCode}: see its errors above`);
  lines.push(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  return { text: lines.join('\n'), isGood };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
