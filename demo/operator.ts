// The built program as a child process, with the kubeconfig of its own ServiceAccount: it has no more rights here than
// in a cluster.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComponentProcess } from '../test/control-plane/component-process.ts';
import { ReaperLink } from '../test/control-plane/reaper-link.ts';

export const OPERATOR_IDENTITY = { serviceAccount: { namespace: 'pequod-system', name: 'pequod' } } as const;

const PROGRAM = join(import.meta.dirname, '../dist/src/cli/pequod.js');
const GRACE_MS = 15_000;

export interface Operator {
  readonly logPath: string;
  /** The end of its log, where it has one. */
  lastLines(): string;
  /** Settles as `wait` does, or fails as soon as the operator ends by itself. */
  orEnd<T>(wait: Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** Starts it. Whatever happens to this process, the operator ends with it. */
export async function startOperator(kubeconfigPath: string): Promise<Operator> {
  const directory = await mkdtemp(join(tmpdir(), 'pequod-operator-'));
  const reaper = new ReaperLink(directory);
  const logPath = join(directory, 'operator.log');
  const program = new ComponentProcess(
    {
      name: 'operator',
      command: process.execPath,
      args: [PROGRAM, 'controller', '--kubeconfig', kubeconfigPath],
      workingDirectory: directory,
      logPath,
      graceMs: GRACE_MS,
    },
    reaper,
  );
  return {
    logPath,
    lastLines: () => program.lastLines(30),
    orEnd: (wait) => program.orEnd(wait),
    stop: async () => {
      await program.stop();
      await reaper.release();
    },
  };
}
