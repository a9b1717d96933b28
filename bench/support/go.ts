// What is compared against is built from source by the machine's Go, into Go's own caches and a temporary folder.
import { spawn } from 'node:child_process';

/** Runs go with these arguments; its output is only shown when it fails. */
export async function runGo(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  const child = spawn('go', args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, GOFLAGS: '', GOWORK: 'off', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (exitCode === 0) return;
  throw new Error(`go ${args.join(' ')} ended with ${exitCode}:\n${Buffer.concat(output).toString('utf8')}`);
}
