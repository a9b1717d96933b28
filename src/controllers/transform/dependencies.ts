import type { KubeObject } from '../../api/index.ts';
import type { Informer, OperatorClient } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { ClusterFacts, ModuleRenderer } from '../../render/index.ts';
import type { RevisionStore } from '../../revisions/index.ts';
import type { ControllerOptions, Gate, Ownership, ReconcileReport } from '../../runtime/index.ts';
import type { ModuleSources } from '../../source/index.ts';
import type { Tenancy } from '../../tenancy/index.ts';

/** What a pass works with. */
export interface TransformDependencies {
  readonly transforms: ObjectCache;
  readonly graphs: ObjectCache;
  /** ConfigMaps that carry the label `pequod.io/module: "true"`; only their metadata is looked at. */
  readonly modules: Lookup<KubeObject>;
  readonly namespaces: Lookup<{ readonly isTerminating: boolean }>;
  readonly operator: TransformWriter;
  readonly revisions: Pick<
    RevisionStore,
    'keep' | 'list' | 'read' | 'readCandidate' | 'remove' | 'removeCandidates' | 'saveCandidate'
  >;
  readonly tenancy: Pick<Tenancy, 'clientFor' | 'forget' | 'serviceAccountOf'>;
  readonly sources: Pick<ModuleSources, 'fetch' | 'folderOf' | 'isMoving' | 'resolve'>;
  readonly renderer: ModuleRenderer;
  /** What the API server says about itself, as of its last discovery. */
  readonly cluster: () => ClusterFacts;
  readonly limits: GraphWriteLimits;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** The calls that this controller makes with the operator's rights: Transforms and ResourceGraphs, nothing else. */
export type TransformWriter = Pick<OperatorClient, 'create' | 'delete' | 'get' | 'jsonPatch'>;

/** What a watch has shown. */
export interface Lookup<T> {
  get(namespace: string | undefined, name: string): T | undefined;
}

/** A watch's objects, with our own writes as soon as they are answered. */
export interface ObjectCache extends Lookup<KubeObject> {
  observeOwnWrite(object: KubeObject): void;
}

/** Graphs beyond these are refused before they are written. */
export interface GraphWriteLimits {
  readonly maxNodes: number;
  /** Of the graph's spec as JSON. */
  readonly maxSpecBytes: number;
}

export const DEFAULT_GRAPH_WRITE_LIMITS: GraphWriteLimits = { maxNodes: 100, maxSpecBytes: 1024 * 1024 };

/** What the Transform controller needs around it. The informers are started, synced and stopped by who made them. */
export interface TransformControllerDependencies
  extends Omit<TransformDependencies, 'graphs' | 'limits' | 'modules' | 'namespaces' | 'transforms'> {
  readonly transforms: Informer<KubeObject>;
  readonly graphs: Informer<KubeObject>;
  readonly modules: Informer<KubeObject>;
  readonly namespaces: Informer<{ readonly isTerminating: boolean }>;
  readonly log: Logger;
  /** Which Transforms are worked on here; all without it. */
  readonly ownership?: Ownership;
  /** While it is closed no pass begins. */
  readonly gate?: Gate;
  readonly limits?: GraphWriteLimits;
  /** Transforms reconciled at a time. Default 16. */
  readonly concurrency?: number;
  readonly reconcileTimeoutMs?: number;
  readonly onReconcile?: (report: ReconcileReport) => void;
  readonly onTake?: ControllerOptions['onTake'];
}
