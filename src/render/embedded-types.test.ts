// The platform types that ship with the operator, held against files. After a wanted change: UPDATE_GOLDEN=1.
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { CuePool } from 'cuelang-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { isJsonObject, type JsonObject } from '../json/index.ts';
import {
  clusterlessContext,
  type EmbeddedLibrary,
  loadEmbeddedLibrary,
  ModuleSources,
} from '../source/index.ts';
import { createEvaluatorPool, Renderer, type RenderResult, renderContext } from './index.ts';

const cueFolder = new URL('../../cue/', import.meta.url);
const testdata = new URL('testdata/', cueFolder);
const signal = new AbortController().signal;
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

const context = renderContext(
  { name: 'sample', namespace: 'shop', labels: { team: 'retail' } },
  { version: 'v1.36.3', apiVersions: ['v1', 'apps/v1'] },
);
const transform = clusterlessContext('shop');

let pool: CuePool;
let library: EmbeddedLibrary;

beforeAll(async () => {
  library = await loadEmbeddedLibrary(cueFolder.pathname);
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
});
afterAll(() => pool.close());

async function render(type: string, input: JsonObject): Promise<RenderResult> {
  const renderer = new Renderer({ evaluator: pool, evaluatorVersion: pool.version.sha256, library });
  const module = await new ModuleSources({ library }).load(
    { type: 'embedded', ref: type },
    transform,
    signal,
  );
  return renderer.render({ module, input, context }, signal);
}

async function readInput(type: string, name: string): Promise<JsonObject> {
  const input: unknown = parse(await readFile(new URL(`${type}/${name}.input.yaml`, testdata), 'utf8'));
  if (!isJsonObject(input)) throw new Error(`${type}/${name}.input.yaml holds no object`);
  return input;
}

function goldenText(result: RenderResult): string {
  const { violations } = result;
  const shown = result.ok
    ? { metadata: result.metadata, reads: result.reads, violations, nodes: result.nodes }
    : { code: result.error.code, violations };
  return stringify(JSON.parse(JSON.stringify(shown)), { lineWidth: 0, aliasDuplicateObjects: false });
}

describe.each(['webservice', 'database'])('platform type %s', (type) => {
  const names = readdirSync(new URL(`${type}/`, testdata))
    .filter((file) => file.endsWith('.input.yaml'))
    .map((file) => file.slice(0, -'.input.yaml'.length));

  it.each(names)('renders %s as recorded', async (name) => {
    const text = goldenText(await render(type, await readInput(type, name)));
    const golden = new URL(`${type}/${name}.golden.yaml`, testdata);
    if (isUpdate) await writeFile(golden, text);
    expect(text).toBe(await readFile(golden, 'utf8'));
  });
});

describe('the webservice', () => {
  it('rolls its Pods when configuration changes, and only then', async () => {
    const checksum = async (input: JsonObject): Promise<unknown> => {
      const result = await render('webservice', { image: 'nginx', ...input });
      if (!result.ok) throw result.error;
      const app = result.nodes.find(({ id }) => id === 'app');
      return JSON.stringify(app?.object).match(/"pequod.io\/config-checksum":"([^"]+)"/)?.[1];
    };
    const first = await checksum({ env: { A: '1', B: '2' } });
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await checksum({ env: { B: '2', A: '1' }, replicas: 5 })).toBe(first);
    expect(await checksum({ env: { A: '1', B: '3' } })).not.toBe(first);
    expect(await checksum({ files: { A: '1', B: '2' } })).not.toBe(first);
  });

  it('says so where the name of the Transform fits no object', async () => {
    const renderer = new Renderer({ evaluator: pool, evaluatorVersion: '', library });
    const module = await new ModuleSources({ library }).load(
      { type: 'embedded', ref: 'webservice' },
      transform,
      signal,
    );
    const named = { ...context, name: '9.lives' };
    const result = await renderer.render({ module, input: { image: 'nginx' }, context: named }, signal);
    expect(result).toMatchObject({ ok: false, phase: 'Rendered', error: { code: 'RENDER_CONFLICT' } });
    expect(result.violations[0]?.message).toContain('9.lives');
  });
});
