// Where the cluster is, and the client that the operator is known by there.
import {
  type ClusterConfig,
  inClusterConfig,
  isInCluster,
  kubeconfigConfig,
  OperatorClient,
} from './kube/index.ts';
import type { OperatorOptions } from './operator-options.ts';
import type { Ground } from './operator-parts.ts';

/** In a pod its own ServiceAccount, unless a kubeconfig is named; else the usual kubeconfig. */
export async function clusterConfig({ env, kubeconfig, context }: OperatorOptions): Promise<ClusterConfig> {
  return kubeconfig === undefined && context === undefined && isInCluster(env)
    ? await inClusterConfig({ env })
    : await kubeconfigConfig({
        env,
        ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
        ...(context === undefined ? {} : { context }),
      });
}

/** The client of the operator's own calls; those as a tenant are made from it. */
export function connect(
  options: OperatorOptions,
  config: ClusterConfig,
  { metrics, reachability, sharing }: Pick<Ground, 'metrics' | 'reachability' | 'sharing'>,
): OperatorClient {
  return new OperatorClient({
    config,
    version: options.version,
    log: options.log,
    now: Date.now,
    maxInFlight: options.apiConcurrency,
    mayWrite: sharing?.fence.mayWrite,
    onThrottled: ({ by, who }) => metrics.api.throttled(by, who),
    onUnanswered: () => reachability.unanswered(),
    ...(options.onCall === undefined ? {} : { onCall: options.onCall }),
  });
}
