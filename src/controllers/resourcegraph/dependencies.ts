import type { KubeObject } from '../../api/index.ts';
import type { Informer, OperatorClient, RestMapper } from '../../kube/index.ts';
import type { NetworkAsker, Probes } from '../../probes/index.ts';
import type { Tenancy } from '../../tenancy/index.ts';
import type { Children } from './children.ts';
import type { Mirrors } from './mirrors.ts';
import type { NodeInterests } from './node-interests.ts';
import type { GraphSessions } from './session.ts';

/** What the ResourceGraph controller works with. */
export interface GraphDependencies {
  readonly graphs: Informer<KubeObject>;
  readonly transforms: Informer<KubeObject>;
  readonly namespaces: Informer<NamespaceState>;
  /** CustomResourceDefinitions: a change of them may bring a kind or take one away. */
  readonly definitions: Informer<string>;
  readonly children: Children;
  readonly interests: NodeInterests;
  readonly mirrors: Mirrors;
  readonly sessions: GraphSessions;
  readonly operator: OperatorClient;
  readonly mapper: RestMapper;
  readonly tenancy: Tenancy;
  /** What is asked beside the passes. */
  readonly probes: Probes;
  /** Asks over the network. */
  readonly asker: Pick<NetworkAsker, 'ask'>;
  readonly limits: GraphLimits;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface NamespaceState {
  readonly isTerminating: boolean;
}

export interface GraphLimits {
  /** Objects in flight per graph. */
  readonly graphConcurrency: number;
  /** Nodes per graph. */
  readonly maxNodes: number;
  /** How long a deletion waits for rights that are gone before it leaves the objects. */
  readonly identityGoneGraceMs: number;
}
