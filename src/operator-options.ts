// What an administrator and the command line say of an operator.
import type { CallRecord } from './kube/index.ts';
import type { Logger } from './observability/index.ts';
import type { SharingOptions } from './operator-leases.ts';
import type { PlacesOptions } from './operator-places.ts';
import type { ReconcileReport } from './runtime/index.ts';
import type { ListenAddress } from './server/index.ts';

export interface OperatorOptions {
  readonly version: string;
  /** Folder of the CUE module that ships with the operator. */
  readonly cueDirectory: string;
  /** Environment of the process: tells whether it runs in a pod. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a kubeconfig; outside of a pod the usual places are searched without it. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** The only namespace whose Transforms are looked after; all without it. */
  readonly watchNamespace?: string | undefined;
  /** ServiceAccount of Transforms that name none. */
  readonly defaultServiceAccount: string;
  /** Transforms, and graphs, reconciled at a time. */
  readonly maxConcurrentReconciles: number;
  /** Objects in flight per graph. */
  readonly graphConcurrency: number;
  /** Most nodes of a graph. */
  readonly maxNodes: number;
  /** Requests in flight to the API server. */
  readonly apiConcurrency: number;
  readonly reconcileTimeoutMs: number;
  /** Shortest life that is asked of a watch. */
  readonly watchTimeoutMs: number;
  readonly identityGoneGraceMs: number;
  readonly renderWorkers: number;
  readonly renderDeadlineMs: number;
  readonly renderMemoryBytes: number;
  /** Hosts and ranges that may be called besides public addresses. */
  readonly egressAllow: readonly string[];
  /** Where modules come from over a network. */
  readonly places: PlacesOptions;
  /** How several replicas share the work; without it this process is the only one. */
  readonly sharing?: SharingOptions | undefined;
  /** Where metrics are served; nowhere without it. */
  readonly metricsAddress?: ListenAddress | undefined;
  /** Where health is served; nowhere without it. */
  readonly healthAddress?: ListenAddress | undefined;
  readonly log: Logger;
  readonly onReconcile?: (report: ReconcileReport) => void;
  readonly onCall?: (call: CallRecord) => void;
  /** Called once everything runs. */
  readonly onReady?: () => void;
}
