// ConfigMaps hold small modules: either every key that ends in .cue is a file of the root package, or one binary key that
// ends in .zip holds a whole module with its folders. The ConfigMap is always in the Transform's own namespace and is read
// with the Transform's rights, so that nobody sees another tenant's module.
import { LRUCache } from 'lru-cache';
import type { CueRef, KubeObject } from '../api/index.ts';
import { readZip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json/index.ts';
import { archiveLimits } from './artifact-layer.ts';
import { cueTree } from './cue-files.ts';
import type { ModuleSource, Resolution, SourceContext } from './module-source.ts';
import {
  DEFAULT_TREE_LIMITS,
  type ModuleTree,
  moduleTree,
  type TreeLimits,
  treeBytes,
} from './module-tree.ts';

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export interface ConfigMapSourceOptions {
  readonly limits?: TreeLimits;
  /** Bytes of recently read modules that are kept, so that a fetch after a resolve reads nothing. Default 16 MiB. */
  readonly cacheBytes?: number;
}

/** Modules in ConfigMaps of the Transform's namespace. */
export class ConfigMapSource implements ModuleSource {
  readonly #limits: TreeLimits;
  /** By place and digest: whoever claims a digest of another ConfigMap reads his own, with his own rights. */
  readonly #trees: LRUCache<string, ModuleTree>;

  constructor(options: ConfigMapSourceOptions = {}) {
    this.#limits = options.limits ?? DEFAULT_TREE_LIMITS;
    this.#trees = new LRUCache({
      maxSize: options.cacheBytes ?? 16 * 1024 * 1024,
      sizeCalculation: (tree) => treeBytes(tree) + 1,
    });
  }

  async resolve(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<Resolution> {
    const { tree, revision } = await this.#read(ref, context, signal);
    return { digest: tree.digest, revision };
  }

  async fetch(
    ref: CueRef,
    resolution: Resolution,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<ModuleTree> {
    const known = this.#trees.get(keyOf(ref, context, resolution.digest));
    if (known !== undefined) return known;
    const { tree } = await this.#read(ref, context, signal);
    if (tree.digest === resolution.digest) return tree;
    throw new SourceError(
      'SOURCE_CHANGED',
      `ConfigMap ${context.namespace}/${ref.ref} changed while it was read`,
    );
  }

  readonly isMoving = (): boolean => true;

  async #read(
    ref: CueRef,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<{ readonly tree: ModuleTree; readonly revision: string }> {
    if (!NAME.test(ref.ref)) {
      throw new SourceError(
        'SOURCE_INVALID',
        `${JSON.stringify(ref.ref)} is not the name of a ConfigMap in the Transform's namespace`,
        { retry: 'never' },
      );
    }
    const configMap = await context.configMaps.readConfigMap(context.namespace, ref.ref, signal);
    if (configMap === undefined) {
      throw new SourceError('SOURCE_NOT_FOUND', `there is no ConfigMap ${context.namespace}/${ref.ref}`);
    }
    const tree = await readModule(configMap, this.#limits);
    this.#trees.set(keyOf(ref, context, tree.digest), tree);
    return { tree, revision: revisionOf(configMap) };
  }
}

function keyOf({ ref }: CueRef, { namespace }: SourceContext, digest: string): string {
  return JSON.stringify([namespace, ref, digest]);
}

async function readModule(configMap: KubeObject, limits: TreeLimits): Promise<ModuleTree> {
  const { name } = configMap.metadata;
  const data = members(configMap['data']);
  const texts = Object.entries(data).flatMap(([key, content]) =>
    key.endsWith('.cue') && typeof content === 'string' ? [[key, content] as const] : [],
  );
  const binaries = members(configMap['binaryData']);
  const binary = Object.keys(binaries).find((key) => key.endsWith('.cue'));
  if (binary !== undefined) {
    throw invalid(`key ${binary} of ConfigMap ${name} is binary, CUE files are UTF-8 text`);
  }
  const [zip, second] = Object.keys(binaries).filter((key) => key.endsWith('.zip'));
  if (zip === undefined) return textTree(name, texts, data, limits);
  const [text] = texts[0] ?? [];
  if (second !== undefined || text !== undefined) {
    throw invalid(
      `ConfigMap ${name} has ${zip} and ${second ?? text}: a module is one .zip, or files in keys that end in .cue`,
    );
  }
  return await zipTree(`${zip} of ConfigMap ${name}`, binaries[zip], limits);
}

function textTree(
  name: string,
  files: readonly (readonly [string, string])[],
  data: Readonly<Record<string, unknown>>,
  limits: TreeLimits,
): ModuleTree {
  if (files.length > 0) return moduleTree(files, limits);
  const keys = Object.keys(data).slice(0, 20).join(', ');
  throw invalid(
    `ConfigMap ${name} has no key that ends in .cue, and no binary one in .zip: it has ${keys === '' ? 'no data' : keys}`,
  );
}

async function zipTree(
  place: string,
  base64: JsonValue | undefined,
  limits: TreeLimits,
): Promise<ModuleTree> {
  const bytes = Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');
  try {
    return cueTree(await readZip(bytes, archiveLimits(limits)), 'the zip', limits);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new SourceError(error.code, `${place}: ${error.message}`, { retry: error.retry, cause: error });
  }
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message);
}

function members(value: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  return isJsonObject(value) ? value : {};
}

function revisionOf(configMap: KubeObject): string {
  return `${configMap.metadata.uid ?? ''}/${configMap.metadata.resourceVersion ?? ''}`;
}
