// The programs of others that read what we write and write what we read.
import { ensureCue, ensureOrasTool } from '../control-plane/index.ts';
import { systemProgram } from './debian.ts';
import { type ProgramResult, type RunOptions, runProgram } from './run-program.ts';

/** The cue command: `runCue(['mod', 'publish', 'v0.1.0'], { cwd, env: { CUE_REGISTRY: … } })`. */
export async function runCue(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  return await runProgram(await ensureCue(), args, options);
}

/** The client of OCI artifacts over the ORAS library; `test/control-plane/go/oras-tool/main.go` lists its flags. */
export async function runOrasTool(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  return await runProgram(await ensureOrasTool(), args, options);
}

/** The client of image registries that clusters' tools are built on. Needs `skopeo`. */
export async function runSkopeo(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  return await runProgram(systemProgram('skopeo'), args, options);
}
