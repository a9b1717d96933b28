import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

/**
 * Runs kubectl with these arguments, `stdin` as its standard input, and returns its standard output. Rejects with a
 * {@link KubectlError} when it ends with another code than 0.
 */
export type Kubectl = (args: readonly string[], stdin?: string) => Promise<string>;

/** kubectl failed; `stderr` is what it said. */
export class KubectlError extends Error {
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    super(`kubectl ${args.join(' ')} ended with ${exitCode}: ${stderr.trim()}`);
    this.name = 'KubectlError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** kubectl bound to a kubeconfig. Its discovery cache lies beside that file: ports come back with other servers. */
export function kubectlFor(kubectlPath: string, kubeconfigPath: string): Kubectl {
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfigPath,
    KUBECACHEDIR: join(dirname(kubeconfigPath), 'cache'),
  };
  return async (args, stdin = '') => {
    const child = spawn(kubectlPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    // kubectl may end without reading its input; its exit code then says why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [output, errors, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (exitCode !== 0) throw new KubectlError(args, exitCode, errors);
    return output;
  };
}
