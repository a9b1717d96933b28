// What is rendered: the webservice that ships with the operator, with everything it can do asked for, and another input
// each time, so that nothing can be remembered from the time before.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject } from '../../src/json/index.ts';
import { type RenderContext, type RenderRequest, renderContext } from '../../src/render/index.ts';
import {
  clusterlessContext,
  type EmbeddedLibrary,
  loadEmbeddedLibrary,
  ModuleSources,
} from '../../src/source/index.ts';

const CUE_FOLDER = new URL('../../cue/', import.meta.url);
const INPUT_FILE = new URL('testdata/webservice/full.input.yaml', CUE_FOLDER);

export interface Workload {
  readonly library: EmbeddedLibrary;
  /** The module `pequod.io@v0` with the webservice in it. */
  readonly cueFolder: string;
  readonly packagePath: string;
  readonly context: RenderContext;
  /** The n-th input. */
  input(n: number): JsonObject;
  /** A render with the n-th input. */
  request(n: number): RenderRequest;
}

export async function loadWorkload(signal: AbortSignal): Promise<Workload> {
  const library = await loadEmbeddedLibrary(CUE_FOLDER.pathname);
  const module = await new ModuleSources({ library }).load(
    { type: 'embedded', ref: 'webservice' },
    clusterlessContext('bench'),
    signal,
  );
  const first: unknown = parse(await readFile(INPUT_FILE, 'utf8'));
  if (!isJsonObject(first)) throw new Error('the input of the webservice is no object');
  const context = renderContext(
    { name: 'shop', namespace: 'bench' },
    { version: 'v1.36.3', apiVersions: ['v1', 'apps/v1'] },
  );
  const input = (n: number): JsonObject => ({
    ...first,
    name: `shop-${n}`,
    port: 1024 + (n % 60_000),
    env: { LOG_LEVEL: 'debug', RUN: `run-${n}` },
  });
  return {
    library,
    cueFolder: CUE_FOLDER.pathname,
    packagePath: module.packagePath,
    context,
    input,
    request: (n) => ({ module, input: input(n), context }),
  };
}
