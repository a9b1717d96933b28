// Programs that only Go makes. Where they are neither there nor can be made, the test files that use one are skipped whole,
// by name: they start its servers before their first test.
import { globSync, readFileSync } from 'node:fs';
import { unavailablePrograms } from '../control-plane/index.ts';

const FILES = ['test/integration/**/*.test.ts', 'e2e/**/*.test.ts'];
/** What starts or runs one of them; a test that has it done elsewhere names it in a comment. */
const USES = /\b(?:startRegistry|runCue|runOrasTool|ensureCue|ensureOrasTool|ensureRegistry)\b/;

export interface WithoutGo {
  /** The programs that can't be had. */
  readonly missing: readonly string[];
  /** The test files that are skipped for it, from the root of the repository. */
  readonly skipped: readonly string[];
}

/** What a run of the tests goes without on this machine: nothing where Go or the programs are. */
export async function withoutGo(env: NodeJS.ProcessEnv = process.env): Promise<WithoutGo> {
  const missing = await unavailablePrograms(env);
  if (missing.length === 0) return { missing, skipped: [] };
  return { missing, skipped: filesThatUseThem(process.cwd()) };
}

function filesThatUseThem(root: string): readonly string[] {
  const files = FILES.flatMap((pattern) => globSync(pattern, { cwd: root }));
  return files.filter((file) => USES.test(readFileSync(`${root}/${file}`, 'utf8'))).sort();
}
