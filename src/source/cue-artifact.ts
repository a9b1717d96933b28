// A module as CUE's own tools publish it: a zip, and its module file once more beside it. What `cue` refuses in such a zip
// is refused here, so that nothing runs that nobody could depend on.
import { type FileMap, readZip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import type { ArtifactManifest } from '../registry/index.ts';
import { archiveLimits, type FetchBlob, fetchLayer } from './artifact-layer.ts';
import { MODULE_FILE } from './cue-files.ts';
import type { TreeLimits } from './module-tree.ts';

/** Type of the config, or of the artefact. */
export const CUE_MODULE_TYPE = 'application/vnd.cue.module.v1+json';
export const CUE_ZIP_TYPE = 'application/zip';
export const CUE_MODULE_FILE_TYPE = 'application/vnd.cue.modulefile.v1';

/** Settings of whoever works on the module. */
const LOCAL_MODULE_FILE = 'cue.mod/local-module.cue';

export function isCueModule({ artifactType, config }: ArtifactManifest): boolean {
  return config.mediaType === CUE_MODULE_TYPE || artifactType === CUE_MODULE_TYPE;
}

/** @throws SourceError as `readArtifact` does */
export async function readCueModule(
  { layers }: ArtifactManifest,
  fetchBlob: FetchBlob,
  limits: TreeLimits,
): Promise<FileMap> {
  const [zip, moduleFile, more] = layers;
  if (
    zip?.mediaType !== CUE_ZIP_TYPE ||
    moduleFile?.mediaType !== CUE_MODULE_FILE_TYPE ||
    more !== undefined
  ) {
    const types = layers.map(({ mediaType }) => mediaType).join(', ');
    throw invalid(
      `a CUE module has two layers, ${CUE_ZIP_TYPE} and ${CUE_MODULE_FILE_TYPE}: this has ${types === '' ? 'none' : types}`,
    );
  }
  const files = await readZip(await fetchLayer(zip, fetchBlob, limits), archiveLimits(limits));
  checkCueModule(files);
  const beside = await fetchLayer(moduleFile, fetchBlob, limits);
  if (Buffer.compare(files.get(MODULE_FILE) ?? Buffer.alloc(0), beside) !== 0) {
    throw invalid(`${MODULE_FILE} in the zip differs from the one beside it`);
  }
  return files;
}

/**
 * What CUE asks of the files of a published module.
 * @throws SourceError that names the file that it does not take
 */
export function checkCueModule(files: FileMap): void {
  for (const path of files.keys()) {
    const segments = path.split('/');
    const at = segments.findIndex((segment) => segment.toLowerCase() === 'cue.mod');
    if (at > 0) throw invalid(`${path}: a module has cue.mod in its root only`);
    if (at === 0 && segments[0] !== 'cue.mod') throw invalid(`${path}: cue.mod is written in small letters`);
    if (path === 'cue.mod') throw invalid('cue.mod is a file, not a folder');
    if (path !== MODULE_FILE && path.toLowerCase() === MODULE_FILE) {
      throw invalid(`${path}: ${MODULE_FILE} is written in small letters`);
    }
    if (path === LOCAL_MODULE_FILE) throw invalid(`${path} is for development, and never published`);
  }
  if (!files.has(MODULE_FILE)) throw invalid(`the module has no ${MODULE_FILE}`);
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message);
}
