// A control plane for one benchmark: etcd, API server and controller manager, the CRDs and the operator's rights as an
// administrator installs them, and a client with all rights. No scheduler and no nodes: no Pod is ever made.
import { join } from 'node:path';
import { kubeconfigConfig, OperatorClient } from '../../src/kube/index.ts';
import { silentLogger } from '../../src/observability/index.ts';
import { type ControlPlane, ensureBinaries, startControlPlane } from '../../test/control-plane/index.ts';
import type { Report } from './progress.ts';

/** Requests of the benchmarks themselves that are in flight at a time. */
export const IN_FLIGHT = 16;

export interface BenchCluster {
  readonly controlPlane: ControlPlane;
  readonly admin: OperatorClient;
}

const ROOT = join(import.meta.dirname, '../..');
const FIELD_MANAGER = 'bench';
const INSTALL_TIMEOUT_S = 30;

/** Starts one for `use`, and stops it again whatever happens. */
export async function withCluster<T>(
  options: { readonly hasAudit: boolean },
  report: Report,
  signal: AbortSignal,
  use: (cluster: BenchCluster) => Promise<T>,
): Promise<T> {
  const binaries = await ensureBinaries({ report, signal });
  report('starting etcd, API server and controller manager');
  const controlPlane = await startControlPlane(
    { audit: options.hasAudit, components: ['controller-manager'], binaries },
    signal,
  );
  try {
    await install(controlPlane);
    const admin = new OperatorClient({
      config: await kubeconfigConfig({ path: controlPlane.kubeconfigPath }),
      version: FIELD_MANAGER,
      log: silentLogger(),
      now: Date.now,
      maxInFlight: IN_FLIGHT,
    });
    try {
      return await use({ controlPlane, admin });
    } finally {
      await admin.close();
    }
  } finally {
    report('stopping the control plane');
    await controlPlane.stop();
  }
}

async function install({ kubectl }: ControlPlane): Promise<void> {
  await kubectl(['apply', '--server-side', '-f', join(ROOT, 'crds'), '-f', join(ROOT, 'deploy/rbac.yaml')]);
  const kinds = ['transforms', 'resourcegraphs'].map((plural) => `crd/${plural}.platform.pequod.io`);
  await kubectl(['wait', '--for=condition=Established', `--timeout=${INSTALL_TIMEOUT_S}s`, ...kinds]);
}
