// A module as CUE's own tools lay it out in a registry, so that `cue` takes it for a dependency. Nothing in it changes from
// one build to the next: the digest is that of the content.
import { EntryNames, type FileMap, writeZip } from '../archive/index.ts';
import { SourceError } from '../errors.ts';
import { digestOf } from '../registry/index.ts';
import {
  CUE_MODULE_FILE_TYPE,
  CUE_MODULE_TYPE,
  CUE_ZIP_TYPE,
  checkCueModule,
  cueTree,
  MODULE_FILE,
} from '../source/index.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
/** CUE keeps nothing in the config; its type alone says what the artefact is. */
const EMPTY_CONFIG = new TextEncoder().encode('{}');

/** What is uploaded, in the order in which it is. */
export interface ModuleArtifact {
  readonly blobs: readonly Uint8Array[];
  readonly manifest: { readonly mediaType: string; readonly body: Uint8Array };
  /** Of the manifest. */
  readonly digest: string;
}

/**
 * Packs the files of a module.
 * @throws SourceError `SOURCE_INVALID` where CUE or the operator would not take them
 */
export async function buildModuleArtifact(files: FileMap): Promise<ModuleArtifact> {
  checkCueModule(files);
  const names = new EntryNames('file');
  for (const path of files.keys()) names.add(path, false);
  cueTree(files, 'the module');
  const moduleFile = files.get(MODULE_FILE);
  if (moduleFile === undefined) throw new SourceError('SOURCE_INVALID', `the module has no ${MODULE_FILE}`);
  const zip = await writeZip(files);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(CUE_MODULE_TYPE, EMPTY_CONFIG),
    layers: [descriptor(CUE_ZIP_TYPE, zip), descriptor(CUE_MODULE_FILE_TYPE, moduleFile)],
  };
  const body = new TextEncoder().encode(JSON.stringify(manifest));
  return {
    blobs: [EMPTY_CONFIG, zip, moduleFile],
    manifest: { mediaType: MANIFEST_TYPE, body },
    digest: digestOf(body),
  };
}

function descriptor(
  mediaType: string,
  content: Uint8Array,
): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  return { mediaType, digest: digestOf(content), size: content.length };
}
