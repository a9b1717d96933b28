// The operator's own fetching and rendering, without a cluster around it.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CueRef, GraphNode, KubeObject } from '../api/index.ts';
import { writeZip } from '../archive/index.ts';
import { messageOf } from '../errors.ts';
import { buildPlan, confinementProblem, isKnownClusterScoped } from '../graph/index.ts';
import type { JsonObject } from '../json/index.ts';
import { readModuleFolder } from '../publishing/index.ts';
import {
  createEvaluatorPool,
  type ObservedValues,
  Renderer,
  type RenderResult,
  renderContext,
} from '../render/index.ts';
import {
  clusterlessContext,
  InputSourceError,
  loadEmbeddedLibrary,
  MODULE_FILE,
  ModuleSources,
  wholeInput,
} from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import type { OfflinePlaces } from './offline-places.ts';
import type { TransformFile } from './transform-file.ts';

/** What the module may know of the cluster when there is none. */
const NO_CLUSTER = { version: '', apiVersions: [] } as const;

export interface OfflineOptions {
  /** Folder of the module, in place of wherever the Transform says that it is. */
  readonly moduleDirectory?: string | undefined;
  /** What live objects would have answered. */
  readonly observed?: ObservedValues | undefined;
  /** How registries and git servers are reached. */
  readonly network: OfflinePlaces;
}

/** A render, and what is wrong with the graph that it yields. */
export interface OfflineRender {
  readonly result: RenderResult;
  /** One line each: cycles, unknown dependencies, one object twice, objects outside of the namespace. */
  readonly graphProblems: readonly string[];
}

/** @throws SourceError where the module can't be had, CliError where it is in a ConfigMap that nobody gave. */
export async function renderOffline(
  file: TransformFile,
  options: OfflineOptions,
  signal: AbortSignal,
): Promise<OfflineRender> {
  const { transform } = file;
  const namespace = transform.metadata.namespace ?? 'default';
  const library = await loadEmbeddedLibrary(fileURLToPath(new URL('../../cue', import.meta.url)));
  const { places, secrets } = options.network;
  const cueRef = inFolder(options.network.cueRef, options);
  const sources = new ModuleSources({ library, places });
  const context = clusterlessContext(namespace, {
    secrets,
    configMaps: { readConfigMap: async (_namespace, name) => findConfigMap(file, name, options, signal) },
  });
  const module = await sources.load(cueRef, context, signal);
  const pool = await createEvaluatorPool({ maxWorkers: 1 });
  try {
    const renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
    const metadata = { ...transform.metadata, namespace };
    const { observed = {} } = options;
    const request = {
      module,
      input: inputOf(file),
      context: renderContext(metadata, NO_CLUSTER),
      observed,
    };
    const result = await renderer.render(request, signal);
    return { result, graphProblems: result.ok ? problemsOf(result.nodes, namespace) : [] };
  } finally {
    await pool.close();
  }
}

/** As the operator would refuse the graph before it writes it. */
function problemsOf(nodes: readonly GraphNode[], namespace: string): readonly string[] {
  const planned = buildPlan(nodes, { namespace });
  if (!planned.ok) return planned.problems.map(({ message }) => message);
  return planned.plan.nodes.flatMap((node) => {
    if (node.isPending) return [];
    const isNamespaced = isKnownClusterScoped(node.identity) ? false : undefined;
    return confinementProblem(node, namespace, isNamespaced) ?? [];
  });
}

/** @throws CliError where a ConfigMap of `inputFrom` is neither in the file nor optional, or holds no YAML. */
function inputOf({ transform, configMaps, position }: TransformFile): JsonObject {
  try {
    return wholeInput(transform.spec, new Map(configMaps.map((each) => [each.metadata.name, each])));
  } catch (error) {
    if (!(error instanceof InputSourceError)) throw error;
    throw new CliError(`${position('spec.inputFrom')}: ${error.message}`, EXIT_CODES.failure, error);
  }
}

async function findConfigMap(
  file: TransformFile,
  name: string,
  { moduleDirectory }: OfflineOptions,
  signal: AbortSignal,
): Promise<KubeObject> {
  if (moduleDirectory !== undefined) return await configMapOf(moduleDirectory, name, signal);
  const beside = file.configMaps.find(({ metadata }) => metadata.name === name);
  if (beside !== undefined) return beside;
  throw new CliError(
    `${file.position('spec.cueRef')}: the module is in ConfigMap ${name}, which is not in the file: ` +
      'give the folder of its .cue files with --module-dir',
  );
}

/** A folder is read as a ConfigMap of it would be. The folder is the module: `?path=` of a git reference leads to it. */
function inFolder(cueRef: CueRef, { moduleDirectory }: OfflineOptions): CueRef {
  if (moduleDirectory === undefined) return cueRef;
  const { path } = cueRef;
  return { type: 'configmap', ref: 'module', ...(path === undefined ? {} : { path }) };
}

async function configMapOf(directory: string, name: string, signal: AbortSignal): Promise<KubeObject> {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
  if (existsSync(join(directory, MODULE_FILE))) {
    const { files } = await readModuleFolder(directory, signal);
    const zip = Buffer.from(await writeZip(files)).toString('base64');
    return { ...configMap, binaryData: { 'module.zip': zip } };
  }
  try {
    const names = (await readdir(directory)).filter((file) => file.endsWith('.cue'));
    const data: Record<string, string> = {};
    for (const file of names.sort()) data[file] = await readFile(join(directory, file), 'utf8');
    return { ...configMap, data };
  } catch (error) {
    throw new CliError(`--module-dir ${directory}: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}
