#!/usr/bin/env node
// The program. Everything that belongs to the process is here and in controller.ts.
import { runProgram } from './program.ts';

const interrupted = new AbortController();
process.exitCode = await runProgram(process.argv.slice(2), process, interrupted.signal);
