// Modules in registries have been laid out in several ways, by several tools. All of them end as one set of files whose
// paths were checked, alone and against each other, so that no two tools that unpack the artefact can see two modules.
import { EntryNames, type FileMap, readTarGzip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import type { ArtifactManifest, Descriptor } from '../registry/index.ts';
import { archiveLimits, type FetchBlob, fetchLayer } from './artifact-layer.ts';
import { isCueModule, readCueModule } from './cue-artifact.ts';
import { cueTree } from './cue-files.ts';
import { DEFAULT_TREE_LIMITS, type ModuleTree, type TreeLimits } from './module-tree.ts';

const MAX_LAYERS = 256;

/** Gzipped tars: of images, Flux, Docker, Timoni. */
const TAR_GZIP_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.cncf.flux.content.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.timoni.content.v1.tar+gzip',
]);

/** The path that ORAS pushed, a file's or a folder's. */
const TITLE = 'org.opencontainers.image.title';
/** Set by ORAS on a folder, whose layer is a gzipped tar with paths that begin with the folder's. */
const UNPACK = 'io.deis.oras.content.unpack';
/** In a layer of an image: take away what a layer below has. */
const WHITEOUT = /(^|\/)\.wh\./;

/**
 * The module in an artefact.
 * @param fetchBlob gives the bytes of a layer, of the size and digest that its descriptor says
 * @throws SourceError `SOURCE_INVALID` where the artefact is no module; `SOURCE_TOO_LARGE` over the limits; what
 * `fetchBlob` throws
 */
export async function readArtifact(
  manifest: ArtifactManifest,
  fetchBlob: FetchBlob,
  limits: TreeLimits = DEFAULT_TREE_LIMITS,
): Promise<ModuleTree> {
  return cueTree(await readArtifactFiles(manifest, fetchBlob, limits), 'the artefact', limits);
}

/** All files of an artefact, those that CUE does not read too. @throws as {@link readArtifact} */
export async function readArtifactFiles(
  manifest: ArtifactManifest,
  fetchBlob: FetchBlob,
  limits: TreeLimits = DEFAULT_TREE_LIMITS,
): Promise<FileMap> {
  if (isCueModule(manifest)) return await readCueModule(manifest, fetchBlob, limits);
  if (manifest.layers.length === 0 || !manifest.layers.every(isKnown)) throw unknownArtifact(manifest);
  if (manifest.layers.length > MAX_LAYERS) {
    throw new SourceError('SOURCE_TOO_LARGE', `the artefact has more than ${MAX_LAYERS} layers`);
  }
  const merged = new Merged(limits);
  for (const layer of manifest.layers) merged.add(await readLayer(layer, fetchBlob, limits));
  return merged.files;
}

type LayerKind = 'file' | 'folder' | 'tar';

function kindOf({ mediaType, annotations }: Descriptor): LayerKind | undefined {
  const title = annotations[TITLE];
  const isTar = TAR_GZIP_TYPES.has(mediaType);
  if (annotations[UNPACK] === 'true') return title === undefined ? undefined : 'folder';
  // A tar that ORAS pushed as a file has the tar's own name, which says nothing of what is in it.
  if (isTar && title?.endsWith('.cue') !== true) return 'tar';
  return title === undefined ? undefined : 'file';
}

function isKnown(layer: Descriptor): boolean {
  return kindOf(layer) !== undefined;
}

async function readLayer(layer: Descriptor, fetchBlob: FetchBlob, limits: TreeLimits): Promise<FileMap> {
  const bytes = await fetchLayer(layer, fetchBlob, limits);
  const title = layer.annotations[TITLE] ?? '';
  if (kindOf(layer) === 'file') return new Map([[title, bytes]]);
  const files = await readTarGzip(bytes, archiveLimits(limits));
  if (kindOf(layer) === 'folder') checkBelow(files, title);
  return files;
}

function checkBelow(files: FileMap, folder: string): void {
  const prefix = folder === '.' ? '' : `${folder.replace(/^\.\//, '').replace(/\/$/, '')}/`;
  const outside = [...files.keys()].find((path) => !path.startsWith(prefix));
  if (outside === undefined) return;
  throw new SourceError(
    'SOURCE_INVALID',
    `the layer of folder ${JSON.stringify(folder)} has a file outside of it: ${JSON.stringify(outside)}`,
  );
}

/** Layers laid side by side. None changes or takes away what another has. */
class Merged {
  readonly #limits: TreeLimits;
  readonly #files = new Map<string, Uint8Array>();
  readonly #names = new EntryNames('file of the artefact');
  #bytes = 0;

  constructor(limits: TreeLimits) {
    this.#limits = limits;
  }

  get files(): FileMap {
    return this.#files;
  }

  add(layer: FileMap): void {
    for (const [name, bytes] of layer) {
      if (WHITEOUT.test(name)) {
        throw new SourceError(
          'SOURCE_INVALID',
          `${JSON.stringify(name)} would take away a file of another layer, which no module needs`,
        );
      }
      const path = this.#names.add(name, false);
      this.#bytes += bytes.length;
      if (path !== undefined) this.#files.set(path, bytes);
    }
    const { maxBytes, maxFiles } = this.#limits;
    if (this.#bytes > maxBytes) {
      throw new SourceError('SOURCE_TOO_LARGE', `the artefact has more than ${maxBytes} bytes of files`);
    }
    if (this.#files.size > maxFiles) {
      throw new SourceError('SOURCE_TOO_LARGE', `the artefact has more than ${maxFiles} files`);
    }
  }
}

function unknownArtifact({ artifactType, config, layers }: ArtifactManifest): SourceError {
  const types = [...new Set(layers.map(({ mediaType }) => mediaType))].slice(0, 10).join(', ');
  const type = artifactType ?? config.mediaType;
  return new SourceError(
    'SOURCE_INVALID',
    `the artefact is no module: it is of type ${type}, with ${types === '' ? 'no layers' : `layers ${types}`}; ` +
      `taken are a CUE module (as pequod push and cue mod publish make it), gzipped tars ` +
      `(${[...TAR_GZIP_TYPES].join(', ')}), and files and folders pushed by ORAS, whose layers carry ${TITLE}`,
  );
}
