import { readFile } from 'node:fs/promises';

/** How many tests ended in which way. A file that could not be loaded counts as one failed test. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** By full name: it says why where a test needs what this machine lacks. */
  readonly skipped: readonly string[];
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
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (const file of files) {
    const listed = member(file, 'assertionResults');
    const tests: readonly unknown[] = Array.isArray(listed) ? listed : [];
    const failedBefore = failed;
    for (const test of tests) {
      const state = member(test, 'status');
      if (state === 'passed') passed += 1;
      else if (state === 'failed') failed += 1;
      else skipped.push(String(member(test, 'fullName')));
    }
    if (member(file, 'status') === 'failed' && failed === failedBefore) failed += 1;
  }
  return { passed, failed, skipped };
}

/** A run is good when tests ran, none failed, and vitest itself ended well. */
export function summarise(counts: TestCounts | undefined, exitCode: number): TestSummary {
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: [] };
  const isGood = passed > 0 && failed === 0 && exitCode === 0;
  const lines = skipped.map((name) => `skipped: ${name}`);
  if (counts === undefined) lines.push(`vitest wrote no report and ended with code ${exitCode}`);
  else if (passed + failed === 0) lines.push('no test ran');
  else if (failed === 0 && exitCode !== 0)
    lines.push(`vitest ended with code ${exitCode}: see its errors above`);
  lines.push(
    `${passed} passed, ${failed} failed${skipped.length === 0 ? '' : `, ${skipped.length} skipped`}`,
  );
  return { text: lines.join('\n'), isGood };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
