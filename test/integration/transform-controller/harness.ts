// The Transform controller alone, against the real API server, in a namespace of its own. The test plays the part of the
// graph controller: it writes graph statuses and takes finalizers off. The controller's clock stands still unless the
// test moves it, so that no write depends on how fast the machine is.

import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import {
  API_VERSION,
  type Condition,
  type KubeObject,
  MODULE_LABEL,
  RECONCILE_ANNOTATION,
  RESOURCE_GRAPH_FINALIZER,
  TRANSFORM_KIND,
} from '../../../src/api/index.ts';
import {
  createTransformController,
  type GraphWriteLimits,
  type TransformController,
} from '../../../src/controllers/transform/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../src/json/index.ts';
import {
  type CallRecord,
  CONFIG_MAPS,
  Informer,
  isNotFound,
  kubeconfigConfig,
  NAMESPACES,
  OperatorClient,
  RESOURCE_GRAPHS,
  type Resource,
  TRANSFORMS,
} from '../../../src/kube/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { createEvaluatorPool, type ModuleRenderer, Renderer } from '../../../src/render/index.ts';
import { RevisionStore } from '../../../src/revisions/index.ts';
import { loadEmbeddedLibrary, ModuleSources } from '../../../src/source/index.ts';
import { Tenancy } from '../../../src/tenancy/index.ts';
import { accessControlPlane } from '../../control-plane/index.ts';
import { eventually as within } from '../eventually.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const DEADLINE_MS = 50_000;

export function soon(): AbortSignal {
  return AbortSignal.timeout(DEADLINE_MS);
}

/** What one run of the controller did. */
export interface Run {
  readonly controller: TransformController;
  /** Calls of the controller in order, as `jsonPatch transforms`; not its watches. */
  readonly calls: readonly string[];
  /** Names of the Transforms that were evaluated. */
  readonly renders: readonly string[];
  /** Moves the controller's clock. */
  advance(ms: number): void;
  stop(): Promise<void>;
}

export interface Harness {
  readonly namespace: string;
  readonly admin: OperatorClient;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Starts the controller as a fresh process would. */
  run(options?: { readonly limits?: GraphWriteLimits }): Promise<Run>;
  createTransform(name: string, spec: JsonObject, metadata?: JsonObject): Promise<KubeObject>;
  patchTransform(name: string, patch: JsonObject): Promise<KubeObject>;
  transform(name: string): Promise<KubeObject | undefined>;
  graph(name: string): Promise<KubeObject | undefined>;
  /** Says that the graph is executed, as the graph controller would. */
  settleGraph(name: string, isReady: boolean, blockedBy?: string): Promise<void>;
  /** Ends the deletion of a graph. */
  releaseGraph(name: string): Promise<void>;
  /** Removes all Transforms and graphs, so that the next test starts with none. No controller may be running. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function createHarness(): Promise<Harness> {
  const controlPlane = accessControlPlane(inject('controlPlane'));
  const namespace = `transform-${randomUUID().slice(0, 8)}`;
  const config = await kubeconfigConfig({ path: controlPlane.kubeconfigPath });
  const clientOptions = { config, version: 'test', log: silentLogger(), now: Date.now };
  const admin = new OperatorClient(clientOptions);
  await controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'crds/']);
  await controlPlane.kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', 'crds/']);
  await controlPlane.kubectl(['create', 'namespace', namespace]);
  const pool = await createEvaluatorPool({ maxWorkers: 1 });
  const library = await loadEmbeddedLibrary('cue');
  const renderer = new Renderer({ evaluator: pool, evaluatorVersion: 'test', library });
  const read = async (resource: Resource, name: string): Promise<KubeObject | undefined> => {
    try {
      return await admin.get(resource, { namespace, name }, soon());
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  const graphStatus = (graph: KubeObject, isReady: boolean, blockedBy?: string): JsonObject => ({
    status: {
      observedGeneration: graph.metadata.generation,
      phase: isReady ? 'Ready' : 'Executing',
      conditions: [
        {
          type: 'Ready',
          status: isReady ? 'True' : 'False',
          reason: isReady ? 'Ready' : 'Progressing',
          message: isReady ? 'all nodes are ready' : 'nodes are not ready',
          lastTransitionTime: '2026-01-01T00:00:00Z',
          observedGeneration: graph.metadata.generation ?? 0,
        },
      ],
      nodeStatus: { config: { phase: isReady ? 'Ready' : 'Applied' } },
      blockedBy: blockedBy ?? null,
      lastHandledReconcileAt: graph.metadata.annotations?.[RECONCILE_ANNOTATION] ?? null,
    },
  });
  return {
    namespace,
    admin,
    kubectl: (args, stdin) => controlPlane.kubectl(['-n', namespace, ...args], stdin),
    run: (options = {}) =>
      startRun({ namespace, clientOptions, renderer, sources: new ModuleSources({ library }), ...options }),
    createTransform: (name, spec, metadata = {}) =>
      admin.create(
        TRANSFORMS,
        {
          apiVersion: API_VERSION,
          kind: TRANSFORM_KIND,
          metadata: { ...metadata, namespace, name },
          spec,
        },
        {},
        soon(),
      ),
    patchTransform: (name, patch) => admin.mergePatch(TRANSFORMS, { namespace, name }, patch, {}, soon()),
    transform: (name) => read(TRANSFORMS, name),
    graph: (name) => read(RESOURCE_GRAPHS, name),
    settleGraph: async (name, isReady, blockedBy) => {
      const graph = await eventually(async () => required(await read(RESOURCE_GRAPHS, name)));
      const patch = graphStatus(graph, isReady, blockedBy);
      await admin.mergePatch(RESOURCE_GRAPHS, { namespace, name }, patch, { subresource: 'status' }, soon());
    },
    releaseGraph: async (name) => {
      const finalizers = required(await read(RESOURCE_GRAPHS, name)).metadata.finalizers ?? [];
      const left = finalizers.filter((finalizer) => finalizer !== RESOURCE_GRAPH_FINALIZER);
      const patch = { metadata: { finalizers: left } };
      await admin.mergePatch(RESOURCE_GRAPHS, { namespace, name }, patch, {}, soon());
    },
    clear: async () => {
      for (const resource of [TRANSFORMS, RESOURCE_GRAPHS]) {
        for (const { metadata } of await admin.listAll(resource, { namespace }, soon())) {
          const key = { namespace, name: metadata.name };
          await admin
            .mergePatch(resource, key, { metadata: { finalizers: null } }, {}, soon())
            .catch(unlessGone);
          await admin.delete(resource, key, { propagationPolicy: 'Background' }, soon());
        }
      }
    },
    close: async () => {
      await pool.close();
      await controlPlane.kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await admin.close();
    },
  };
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

interface RunParts {
  readonly namespace: string;
  readonly clientOptions: ConstructorParameters<typeof OperatorClient>[0];
  readonly renderer: ModuleRenderer;
  readonly sources: ModuleSources;
  readonly limits?: GraphWriteLimits;
}

async function startRun(parts: RunParts): Promise<Run> {
  const { namespace, clientOptions, renderer, sources, limits } = parts;
  const calls: string[] = [];
  const renders: string[] = [];
  const clock = { ms: START_MS };
  const onCall = ({ verb, resource }: CallRecord): void => {
    if (verb !== 'watch' && verb !== 'list') calls.push(`${verb} ${resource}`);
  };
  const operator = new OperatorClient({ ...clientOptions, onCall });
  const log = silentLogger();
  const basics = { client: operator, namespace, log, now: Date.now, random: Math.random };
  const whole = { ...basics, project: (object: KubeObject) => object };
  const transforms = new Informer({ ...whole, resource: TRANSFORMS });
  const graphs = new Informer({ ...whole, resource: RESOURCE_GRAPHS });
  const modules = new Informer({
    ...whole,
    resource: CONFIG_MAPS,
    labelSelector: `${MODULE_LABEL}=true`,
    isMetadataOnly: true,
  });
  const namespaces = new Informer({
    ...basics,
    namespace: undefined,
    fieldSelector: `metadata.name=${namespace}`,
    resource: NAMESPACES,
    isMetadataOnly: true,
    project: ({ metadata }) => ({ isTerminating: metadata.deletionTimestamp !== undefined }),
  });
  const informers = [transforms, graphs, modules, namespaces];
  for (const informer of informers) informer.start();
  const controller = createTransformController({
    transforms,
    graphs,
    modules,
    namespaces,
    operator,
    revisions: new RevisionStore(operator),
    tenancy: new Tenancy({ operator, defaultServiceAccount: 'default', now: Date.now }),
    sources,
    renderer: {
      policiesDigest: renderer.policiesDigest,
      evaluatorVersion: renderer.evaluatorVersion,
      render: (request, signal) => {
        renders.push(request.context.name);
        return renderer.render(request, signal);
      },
    },
    cluster: () => ({ version: 'v1.36.3', apiVersions: ['apps/v1', 'v1'] }),
    now: () => clock.ms,
    random: () => 0.5,
    log,
    ...(limits === undefined ? {} : { limits }),
  });
  await controller.start(soon());
  return {
    controller,
    calls,
    renders,
    advance: (ms) => {
      clock.ms += ms;
      controller.enqueueAll();
    },
    stop: async () => {
      await controller.stop();
      await Promise.all(informers.map((informer) => informer.stop()));
      await operator.close();
    },
  };
}

export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

export function statusOf(object: KubeObject | undefined): JsonObject {
  const status = object?.['status'];
  return isJsonObject(status) ? status : {};
}

/** `True InputInvalid`: status and reason of a condition; undefined where there is none. */
export function conditionOf(object: KubeObject | undefined, type: string): string | undefined {
  const found = conditionsOf(object).find((condition) => condition['type'] === type);
  return found === undefined ? undefined : `${String(found['status'])} ${String(found['reason'])}`;
}

export function messageOf(object: KubeObject | undefined, type: Condition['type']): JsonValue | undefined {
  return conditionsOf(object).find((condition) => condition['type'] === type)?.['message'];
}

function conditionsOf(object: KubeObject | undefined): readonly JsonObject[] {
  const conditions = statusOf(object)['conditions'];
  return isJsonArray(conditions) ? conditions.filter(isJsonObject) : [];
}

/** A module with one ConfigMap per value of `#Input.names`. */
export const MODULE = `
#Input: {names: [...=~"^[a-z]+$"], size: int & <=10 | *1}
input: #Input
graph: nodes: {
	for name in input.names {
		(name): object: {
			apiVersion: "v1"
			kind:       "ConfigMap"
			metadata: "name": name
			data: size: "\\(input.size)"
		}
	}
}
`;

/** As the one for all, as long as anything here may take. */
export async function eventually<T>(attempt: () => Promise<T> | T): Promise<T> {
  return await within(attempt, DEADLINE_MS);
}
