import { describe, expect, it } from 'vitest';
import { type TarEntry, tarGzipOf, zipOf } from '../../test/archives/index.ts';
import { writeZip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import { type ArtifactManifest, type Descriptor, digestOf } from '../registry/index.ts';
import { readArtifact, readArtifactFiles } from './artifact.ts';
import { DEFAULT_TREE_LIMITS, type TreeLimits } from './module-tree.ts';

const OCI_TAR = 'application/vnd.oci.image.layer.v1.tar+gzip';
const TITLE = 'org.opencontainers.image.title';
const UNPACK = 'io.deis.oras.content.unpack';
const CUE = 'application/vnd.cue.module.v1+json';
const MODULE_FILE = 'module: "example.com/web@v0"';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Layer {
  readonly type: string;
  readonly content: Uint8Array | string;
  readonly title?: string;
  readonly isUnpacked?: boolean;
  /** In place of the content's. */
  readonly size?: number;
}

/** An artefact, and the bytes behind its layers. */
class Artifact {
  readonly manifest: ArtifactManifest;
  readonly fetched: string[] = [];
  readonly #blobs = new Map<string, Uint8Array>();

  constructor(layers: readonly Layer[], configType: string = 'application/vnd.oci.empty.v1+json') {
    this.manifest = {
      kind: 'manifest',
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: this.#descriptor({ type: configType, content: '{}' }),
      layers: layers.map((layer) => this.#descriptor(layer)),
      annotations: {},
    };
  }

  readonly fetch = async ({ digest }: Descriptor): Promise<Uint8Array> => {
    this.fetched.push(digest);
    return this.#blobs.get(digest) ?? new Uint8Array(0);
  };

  async files(limits?: TreeLimits): Promise<Record<string, string>> {
    const tree = await readArtifact(this.manifest, this.fetch, limits);
    return Object.fromEntries(tree.files);
  }

  async failure(limits?: TreeLimits): Promise<string> {
    const error: unknown = await this.files(limits).catch((reason: unknown) => reason);
    if (!(error instanceof SourceError)) throw new Error(`expected a SourceError, got ${String(error)}`);
    return `${error.code}: ${error.message}`;
  }

  #descriptor({ type, content, title, isUnpacked, size }: Layer): Descriptor {
    const blob = typeof content === 'string' ? bytes(content) : content;
    const digest = digestOf(blob);
    this.#blobs.set(digest, blob);
    const annotations = {
      ...(title === undefined ? {} : { [TITLE]: title }),
      ...(isUnpacked === true ? { [UNPACK]: 'true' } : {}),
    };
    return { mediaType: type, digest, size: size ?? blob.length, annotations, hasPlatform: false };
  }
}

const tar = (entries: readonly TarEntry[], type: string = OCI_TAR): Layer => ({
  type,
  content: tarGzipOf(entries),
});

async function cueModule(files: Record<string, string>, moduleFile: string = MODULE_FILE): Promise<Artifact> {
  const map = new Map(Object.entries(files).map(([path, text]) => [path, bytes(text)]));
  return new Artifact(
    [
      { type: 'application/zip', content: await writeZip(map) },
      { type: 'application/vnd.cue.modulefile.v1', content: moduleFile },
    ],
    CUE,
  );
}

describe('a CUE module', () => {
  const files = { 'cue.mod/module.cue': MODULE_FILE, 'a.cue': 'package a' };

  it('gives what CUE reads, and all its files on request', async () => {
    const artifact = await cueModule({
      ...files,
      'README.md': '# a',
      'cue.mod/pkg/b.c/d/d.cue': 'package d',
      'cue.mod/usr/b.c/d/d.cue': 'package d',
      'cue.mod/gen/b.c/d/d_gen.cue': 'package d',
      'cue.mod/tools.cue': 'x: 1',
    });
    expect(Object.keys(await artifact.files()).sort()).toEqual([
      'a.cue',
      'cue.mod/gen/b.c/d/d_gen.cue',
      'cue.mod/module.cue',
      'cue.mod/pkg/b.c/d/d.cue',
      'cue.mod/usr/b.c/d/d.cue',
    ]);
    expect((await readArtifactFiles(artifact.manifest, artifact.fetch)).size).toBe(7);
  });

  it('is told by the type of the artefact, too', async () => {
    const { manifest, fetch } = await cueModule(files);
    const config = { ...manifest.config, mediaType: 'application/vnd.oci.empty.v1+json' };
    const tree = await readArtifact({ ...manifest, config, artifactType: CUE }, fetch);
    expect(Object.fromEntries(tree.files)).toEqual(files);
  });

  it.each<readonly [string, Record<string, string>, string]>([
    ['no module file', { 'a.cue': 'package a' }, 'the module has no cue.mod/module.cue'],
    [
      'a nested module',
      { ...files, 'b/cue.mod/module.cue': '' },
      'b/cue.mod/module.cue: a module has cue.mod in its root',
    ],
    ['a nested module file', { ...files, 'b/CUE.MOD': '' }, 'b/CUE.MOD: a module has cue.mod in its root'],
    ['cue.mod in capitals', { 'CUE.mod/module.cue': '' }, 'cue.mod is written in small letters'],
    ['its file in capitals', { 'cue.mod/Module.cue': '' }, 'cue.mod/module.cue is written in small letters'],
    ['cue.mod as a file', { 'cue.mod': '', 'a.cue': '' }, 'cue.mod is a file, not a folder'],
    [
      'local settings',
      { ...files, 'cue.mod/local-module.cue': '' },
      'is for development, and never published',
    ],
  ])('with %s is refused', async (_what, wrong, why) => {
    expect(await (await cueModule(wrong)).failure()).toContain(why);
  });

  it('with another module file beside it is refused', async () => {
    expect(await (await cueModule(files, `${MODULE_FILE}\n`)).failure()).toBe(
      'SOURCE_INVALID: cue.mod/module.cue in the zip differs from the one beside it',
    );
  });

  it('of other layers is refused', async () => {
    const zip: Layer = { type: 'application/zip', content: 'x' };
    expect(await new Artifact([zip], CUE).failure()).toContain('has two layers, application/zip and');
    expect(await new Artifact([], CUE).failure()).toContain('this has none');
  });
});

describe('a tar', () => {
  it.each([
    OCI_TAR,
    'application/vnd.cncf.flux.content.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.timoni.content.v1.tar+gzip',
  ])('of type %s is a module', async (type) => {
    const layer = tar(
      [{ name: './', type: '5' }, { name: './a.cue', content: 'package a' }, { name: 'LICENSE' }],
      type,
    );
    expect(await new Artifact([layer]).files()).toEqual({ 'a.cue': 'package a' });
  });

  it('that ORAS pushed as a file is one by its content', async () => {
    const layer: Layer = { ...tar([{ name: 'a.cue', content: 'package a' }]), title: 'module.tar.gz' };
    expect(await new Artifact([layer]).files()).toEqual({ 'a.cue': 'package a' });
  });

  it('may have several layers, side by side', async () => {
    const layers = [
      tar([{ name: 'cue.mod/gen/b.c/d.cue', content: 'package d' }]),
      tar([{ name: 'a.cue', content: 'package a' }, { name: 'cue.mod/module.cue' }]),
    ];
    expect(Object.keys(await new Artifact(layers).files())).toHaveLength(3);
  });

  it.each<readonly [string, readonly TarEntry[], string]>([
    ['replaces', [{ name: 'a.cue', content: 'package b' }], 'file of the artefact "a.cue" is there twice'],
    ['hides', [{ name: 'A.cue', content: 'package b' }], 'differ only in case'],
    ['covers', [{ name: 'a.cue/b.cue' }], 'for both a file and a folder'],
    ['removes', [{ name: '.wh.a.cue' }], '".wh.a.cue" would take away a file of another layer'],
    ['empties', [{ name: 'b/.wh..wh..opq' }], 'would take away a file of another layer'],
  ])('with a layer that %s files of another is refused', async (_what, second, why) => {
    const layers = [tar([{ name: 'a.cue', content: 'package a' }]), tar(second)];
    expect(await new Artifact(layers).failure()).toContain(why);
  });

  it('without CUE says what it has', async () => {
    expect(await new Artifact([tar([{ name: 'main.go' }])]).failure()).toBe(
      'SOURCE_INVALID: the artefact has no .cue file: it has main.go',
    );
    expect(await new Artifact([tar([])]).failure()).toContain('it has no files');
  });
});

describe('what ORAS pushes', () => {
  const file = (title: string, content: string): Layer => ({
    type: 'application/vnd.example.cue',
    content,
    title,
  });

  it('are files by their titles, and folders', async () => {
    const layers: readonly Layer[] = [
      file('a.cue', 'package a'),
      file('dir/b.cue', 'package b'),
      file('README.md', '# a'),
      { ...file('c.cue', 'package c'), type: OCI_TAR },
      {
        ...tar([{ name: 'cue.mod', type: '5' }, { name: 'cue.mod/module.cue' }]),
        title: 'cue.mod',
        isUnpacked: true,
      },
    ];
    expect(await new Artifact(layers).files()).toEqual({
      'a.cue': 'package a',
      'dir/b.cue': 'package b',
      'c.cue': 'package c',
      'cue.mod/module.cue': '',
    });
  });

  it('may be the folder itself', async () => {
    const layer: Layer = { ...tar([{ name: 'a.cue', content: 'package a' }]), title: '.', isUnpacked: true };
    expect(await new Artifact([layer]).files()).toEqual({ 'a.cue': 'package a' });
  });

  it.each([
    ['../a.cue', 'leaves its folder by ..'],
    ['/etc/a.cue', 'has an absolute path'],
    ['a\\b.cue', 'has a backslash'],
  ])('as %s is refused', async (title, why) => {
    expect(await new Artifact([file(title, 'x: 1')]).failure()).toContain(why);
  });

  it('in a folder stays in it', async () => {
    const layer: Layer = { ...tar([{ name: 'other/a.cue' }]), title: 'dir', isUnpacked: true };
    expect(await new Artifact([layer]).failure()).toContain(
      'folder "dir" has a file outside of it: "other/a.cue"',
    );
  });

  it('twice is refused', async () => {
    expect(await new Artifact([file('a.cue', '1'), file('./a.cue', '2')]).failure()).toContain(
      'is there twice',
    );
  });
});

describe('any artefact', () => {
  it('of another kind says what it is and what is taken', async () => {
    const chart = new Artifact(
      [{ type: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', content: 'x' }],
      'application/vnd.cncf.helm.config.v1+json',
    );
    const message = await chart.failure();
    expect(message).toContain(
      'is of type application/vnd.cncf.helm.config.v1+json, with layers application/vnd.cncf.helm',
    );
    expect(message).toContain(`gzipped tars (${OCI_TAR}, `);
    expect(chart.fetched).toEqual([]);
    expect(await new Artifact([]).failure()).toContain('with no layers');
  });

  it('has CUE files that are UTF-8; a byte order mark stays', async () => {
    const latin = new Artifact([tar([{ name: 'a.cue', content: Uint8Array.of(0x78, 0xe9) }])]);
    expect(await latin.failure()).toBe('SOURCE_INVALID: file a.cue is not UTF-8 text, as CUE files are');
    const marked = new Artifact([tar([{ name: 'a.cue', content: '\ufeffx: 1' }])]);
    expect(await marked.files()).toEqual({ 'a.cue': '\ufeffx: 1' });
    const image = new Artifact([
      tar([{ name: 'a.cue' }, { name: 'logo.png', content: Uint8Array.of(0xff) }]),
    ]);
    expect(await image.files()).toEqual({ 'a.cue': '' });
  });

  it('is not fetched where a layer says that it is too large', async () => {
    const artifact = new Artifact([{ ...tar([{ name: 'a.cue' }]), size: 6 * 1024 * 1024 }]);
    expect(await artifact.failure()).toContain('has 6291456 bytes, at most');
    expect(artifact.fetched).toEqual([]);
  });

  it('keeps the limits over all layers', async () => {
    const layers = ['a', 'b'].map((name) => tar([{ name: `${name}.cue`, content: 'x'.repeat(60) }]));
    const limits: TreeLimits = { ...DEFAULT_TREE_LIMITS, maxBytes: 100 };
    expect(await new Artifact(layers).failure(limits)).toBe(
      'SOURCE_TOO_LARGE: the artefact has more than 100 bytes of files',
    );
    expect(await new Artifact(layers).failure({ ...limits, maxBytes: 200, maxFiles: 1 })).toBe(
      'SOURCE_TOO_LARGE: the artefact has more than 1 files',
    );
    const many = Array.from({ length: 257 }, (_, index) => tar([{ name: `${index}.cue` }]));
    expect(await new Artifact(many).failure()).toContain('more than 256 layers');
  });

  it('never opens an archive within', async () => {
    const inner = zipOf([{ name: '../a.cue', content: 'x' }]);
    expect(await new Artifact([tar([{ name: 'a.cue' }, { name: 'b.zip', content: inner }])]).files()).toEqual(
      {
        'a.cue': '',
      },
    );
  });
});
