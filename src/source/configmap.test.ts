import { describe, expect, it } from 'vitest';
import { zipOf } from '../../test/archives/index.ts';
import type { CueRef, KubeObject } from '../api/index.ts';
import { type FileMap, writeZip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import type { JsonObject } from '../json/index.ts';
import { ConfigMapSource } from './configmap.ts';
import { clusterlessContext } from './module-source.ts';
import type { ModuleTree } from './module-tree.ts';

const signal = new AbortController().signal;
const ref: CueRef = { type: 'configmap', ref: 'modules' };

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const MODULE: FileMap = new Map([
  ['cue.mod/module.cue', bytes('module: "example.com/web@v0"')],
  ['web.cue', bytes('package web\nimport "example.com/web/parts@v0"\n')],
  ['parts/parts.cue', bytes('package parts')],
  ['README.md', bytes('# web')],
]);

async function load(content: JsonObject): Promise<ModuleTree> {
  const configMap: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'modules', uid: 'u1', resourceVersion: '7' },
    ...content,
  };
  const context = clusterlessContext('shop', { configMaps: { readConfigMap: async () => configMap } });
  const source = new ConfigMapSource();
  return source.fetch(ref, await source.resolve(ref, context, signal), context, signal);
}

async function failure(content: JsonObject): Promise<string> {
  const error: unknown = await load(content).catch((reason: unknown) => reason);
  if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, got ${String(error)}`);
  return `${error.code}: ${error.message}`;
}

describe('a zip in a ConfigMap', () => {
  it('is a whole module with its folders, without what CUE does not read', async () => {
    const tree = await load({ binaryData: { 'module.zip': base64(await writeZip(MODULE)) } });
    expect([...tree.files.keys()].sort()).toEqual(['cue.mod/module.cue', 'parts/parts.cue', 'web.cue']);
  });

  it('has the digest of its files, however it was packed', async () => {
    const stored = await load({ binaryData: { 'module.zip': base64(await writeZip(MODULE)) } });
    const entries = [...MODULE].reverse().map(([name, content]) => ({ name, content }));
    const deflated = await load({ binaryData: { 'other.zip': base64(zipOf(entries)) }, data: { note: 'x' } });
    expect(deflated.digest).toBe(stored.digest);
  });

  it('is the only one, and stands alone', async () => {
    const zip = base64(await writeZip(MODULE));
    expect(await failure({ binaryData: { 'a.zip': zip, 'b.zip': zip } })).toBe(
      'SOURCE_INVALID: ConfigMap modules has a.zip and b.zip: a module is one .zip, or files in keys that end in .cue',
    );
    expect(await failure({ binaryData: { 'a.zip': zip }, data: { 'b.cue': 'x: 1' } })).toContain(
      'has a.zip and b.cue',
    );
  });

  it.each([
    ['no zip', bytes('x: 1'), 'SOURCE_INVALID: a.zip of ConfigMap modules: the archive is no zip'],
    [
      'a way out',
      zipOf([{ name: '../a.cue', content: 'x: 1' }]),
      'SOURCE_INVALID: a.zip of ConfigMap modules: archive entry "../a.cue" leaves its folder by ..',
    ],
    [
      'a bomb',
      zipOf([{ name: 'a.cue', content: new Uint8Array(1024 * 1024) }]),
      'SOURCE_TOO_LARGE: a.zip of ConfigMap modules: the archive unpacks to more than 200 times',
    ],
    [
      'no CUE',
      zipOf([{ name: 'README.md', content: 'x' }]),
      'SOURCE_INVALID: a.zip of ConfigMap modules: the zip has no .cue file: it has README.md',
    ],
  ])('with %s is refused, and named', async (_what, archive, message) => {
    expect(await failure({ binaryData: { 'a.zip': base64(archive) } })).toContain(message);
  });

  it('as text is no zip', async () => {
    expect(await failure({ data: { 'a.zip': 'x' } })).toContain(
      'no key that ends in .cue, and no binary one in .zip',
    );
  });
});

describe('a module that was read before', () => {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'modules', uid: 'u1', resourceVersion: '7' },
    data: { 'a.cue': 'package secret' },
  };

  it('is not given to another namespace that claims its digest, as a status may', async () => {
    const source = new ConfigMapSource();
    const bank = clusterlessContext('bank', { configMaps: { readConfigMap: async () => secret } });
    const resolution = await source.resolve(ref, bank, signal);
    const shop = clusterlessContext('shop');
    await expect(source.fetch(ref, resolution, shop, signal)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    // Nor by another name in its own: who reads that one may not read this one.
    const other: CueRef = { type: 'configmap', ref: 'other' };
    const own = clusterlessContext('bank');
    await expect(source.fetch(other, resolution, own, signal)).rejects.toThrow('there is no ConfigMap');
    expect((await source.fetch(ref, resolution, own, signal)).digest).toBe(resolution.digest);
  });
});
