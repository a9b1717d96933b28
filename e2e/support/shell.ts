// Shell commands as a page shows them, run as an administrator whose current namespace is the story's.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { docExample } from './docs.ts';
import type { Space } from './space.ts';
import { cluster } from './story.ts';

const run = promisify(execFile);

/** Runs commands and returns what they print. Rejects with an error that holds their standard error. */
export type Shell = (commands: string) => Promise<string>;

export interface ShellPlace {
  readonly space: Space;
  /** Commands run here; the kubeconfig and what the programs keep lie here too. */
  readonly folder: string;
  /** Programs that the commands may use besides kubectl. */
  readonly programs: readonly string[];
}

export async function openShell({ space, folder, programs }: ShellPlace): Promise<Shell> {
  const home = join(folder, space.namespace);
  await mkdir(home);
  const kubeconfig = join(home, 'kubeconfig');
  await writeFile(kubeconfig, await cluster.kubectl(['config', 'view', '--raw', '--flatten']));
  const path = [cluster.kubectlPath, ...programs].map((program) => dirname(program));
  const env = {
    PATH: [...path, process.env['PATH'] ?? ''].join(delimiter),
    HOME: home,
    KUBECONFIG: kubeconfig,
  };
  const shell: Shell = async (commands) => {
    const { stdout } = await run('sh', ['-euc', commands], { cwd: folder, env });
    return stdout;
  };
  await shell(`kubectl config set-context --current --namespace=${space.namespace}`);
  return shell;
}

/** Runs the commands of an example in a page. */
export async function runDocExample(shell: Shell, page: string, name: string): Promise<string> {
  return await shell(await docExample(page, name));
}
