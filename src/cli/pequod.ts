#!/usr/bin/env node
// The program. Everything that belongs to the process is here and in controller.ts. Nothing but the check of the version
// is loaded before that has been made.
import { nodeVersionProblem } from './node-version.ts';

const problem = nodeVersionProblem(process.version);
if (problem === undefined) {
  const { runProgram } = await import('./program.ts');
  const interrupted = new AbortController();
  process.exitCode = await runProgram(process.argv.slice(2), process, interrupted.signal);
} else {
  process.stderr.write(`${problem}\n`);
  // EXIT_CODES.usage, in a module that is not loaded yet.
  process.exitCode = 2;
}
