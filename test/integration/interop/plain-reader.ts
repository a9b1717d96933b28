// Reads artefacts by nothing but fetch, so that these tests say what the formats are, whatever client reads them.
import { isJsonArray, isJsonObject, type JsonValue } from '../../../src/json/index.ts';
import type { ArtifactManifest, Descriptor, OciReference } from '../../../src/registry/index.ts';
import { digestOf } from '../../../src/registry/index.ts';
import { type DependencyAccess, readArtifact } from '../../../src/source/index.ts';

/** Gets modules from a registry without TLS or credentials. */
export function plainReader(): DependencyAccess {
  return {
    scope: 'everybody',
    fetch: async (reference, signal) => {
      const { host, repository, tag = '', digest } = reference;
      const base = `http://${host}/v2/${repository}`;
      const get = async (path: string): Promise<Uint8Array> => {
        const accept = 'application/vnd.oci.image.manifest.v1+json';
        const answer = await fetch(`${base}/${path}`, { headers: { accept }, signal });
        if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
        return await answer.bytes();
      };
      const body = await get(`manifests/${digest ?? tag}`);
      const manifest = readManifest(JSON.parse(Buffer.from(body).toString('utf8')));
      const tree = await readArtifact(manifest, (layer) => get(`blobs/${layer.digest}`));
      return { digest: digestOf(body), tree };
    },
  };
}

/** `host/repository:tag` as a reference. */
export function referenceOf(host: string, repository: string, tag: string): OciReference {
  return { host, repository, tag };
}

function readManifest(value: JsonValue): ArtifactManifest {
  if (!isJsonObject(value) || !isJsonArray(value['layers'])) throw new Error('not a manifest');
  const { artifactType } = value;
  return {
    kind: 'manifest',
    mediaType: String(value['mediaType']),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    config: readDescriptor(value['config']),
    layers: value['layers'].map(readDescriptor),
    annotations: {},
  };
}

function readDescriptor(value: JsonValue | undefined): Descriptor {
  if (!isJsonObject(value)) throw new Error('not a descriptor');
  const annotations = isJsonObject(value['annotations']) ? value['annotations'] : {};
  return {
    mediaType: String(value['mediaType']),
    digest: String(value['digest']),
    size: Number(value['size']),
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, text]) => [key, String(text)])),
    hasPlatform: false,
  };
}
