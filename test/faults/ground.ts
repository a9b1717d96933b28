import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperatorClient } from '../../src/kube/index.ts';
import { installWidgets } from '../campaign/install.ts';
import { type ControlPlaneAccess, ReaperLink } from '../control-plane/index.ts';
import type { Ground } from './run.ts';

/** Gives `use` what runs share, and clears it away whatever happens. */
export async function withGround<T>(
  options: {
    readonly controlPlane: ControlPlaneAccess;
    readonly admin: OperatorClient;
    readonly program: string;
    readonly signal: AbortSignal;
  },
  use: (ground: Ground) => Promise<T>,
): Promise<T> {
  await installWidgets(options.controlPlane.kubectl);
  const directory = await mkdtemp(join(tmpdir(), 'pequod-faults-'));
  const reaper = new ReaperLink(directory);
  try {
    return await use({ ...options, directory, reaper });
  } finally {
    await reaper.release();
  }
}
