// Manifests and indexes as registries send them. Every field that is used is checked; one document can't be both.
import { messageOf, SourceError } from '../errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/index.ts';
import { readJsonObject } from './body.ts';
import { isDigest } from './digest.ts';
import type { ArtifactIndex, ArtifactManifest, Descriptor } from './manifest.ts';

const MAX_LAYERS = 100;
const MAX_MANIFESTS = 1_000;
const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** What is accepted where a manifest is asked for. */
export const MANIFEST_ACCEPT: string = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json' as const;

/**
 * Reads a manifest or an index; `announced` is the media type that it was sent with.
 * @throws SourceError `SOURCE_INVALID`, which begins with `subject`.
 */
export function readManifest(
  body: Uint8Array,
  announced: string | undefined,
  subject: string,
): ArtifactIndex | ArtifactManifest {
  const value = readJsonObject(body, subject);
  const mediaType = mediaTypeOf(value, announced, subject);
  const hasManifests = value['manifests'] !== undefined;
  if (hasManifests && (value['layers'] !== undefined || value['config'] !== undefined))
    throw invalid(subject, 'is a manifest and an index at once');
  if (INDEX_TYPES.includes(mediaType)) {
    const manifests = listOf(value['manifests'], MAX_MANIFESTS, `${subject}: manifests`);
    return { kind: 'index', mediaType, manifests };
  }
  if (hasManifests) throw invalid(subject, 'is an index that says that it is a manifest');
  return {
    kind: 'manifest',
    mediaType,
    ...typeOf(value, subject),
    config: readDescriptor(value['config'], `${subject}: config`),
    layers: listOf(value['layers'], MAX_LAYERS, `${subject}: layers`),
    ...(value['subject'] === undefined
      ? {}
      : { subject: readDescriptor(value['subject'], `${subject}: subject`) }),
    annotations: annotationsOf(value, subject),
  };
}

/** @throws SourceError `SOURCE_INVALID`, which begins with `subject`. */
export function readDescriptor(value: JsonValue | undefined, subject: string): Descriptor {
  if (!isJsonObject(value)) throw invalid(subject, 'is no descriptor');
  const { mediaType, digest, size, urls, platform } = value;
  if (typeof mediaType !== 'string' || !MEDIA_TYPE.test(mediaType))
    throw invalid(subject, 'has no media type');
  if (typeof digest !== 'string' || !isDigest(digest))
    throw invalid(subject, 'has no digest that is known here');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(subject, 'has no size');
  if (urls !== undefined && !(isJsonArray(urls) && urls.length === 0))
    throw invalid(subject, 'is to be had from somewhere else (urls), which is not asked');
  return {
    mediaType,
    digest,
    size,
    ...typeOf(value, subject),
    annotations: annotationsOf(value, subject),
    hasPlatform: platform !== undefined && platform !== null,
  };
}

function listOf(value: JsonValue | undefined, most: number, subject: string): readonly Descriptor[] {
  if (!isJsonArray(value)) throw invalid(subject, 'is no list');
  if (value.length > most) throw invalid(subject, `has more than ${most} entries`);
  return value.map((entry, index) => readDescriptor(entry, `${subject}[${index}]`));
}

/** What the document says that it is wins; where a registry sends it as something else that is known, it is refused. */
function mediaTypeOf(value: JsonObject, announced: string | undefined, subject: string): string {
  const known = [...MANIFEST_TYPES, ...INDEX_TYPES];
  const sent = announced?.split(';')[0]?.trim().toLowerCase();
  const own = value['mediaType'] ?? sent;
  if (typeof own !== 'string' || !known.includes(own)) {
    const shown =
      typeof own === 'string' && MEDIA_TYPE.test(own) ? messageOf(own, 128) : 'nothing that is known here';
    throw invalid(subject, `is of the type ${shown}, and neither a manifest nor an index of OCI or Docker`);
  }
  if (sent !== undefined && known.includes(sent) && sent !== own)
    throw invalid(subject, `says that it is ${own}, and was sent as ${sent}`);
  return own;
}

function typeOf({ artifactType }: JsonObject, subject: string): { readonly artifactType?: string } {
  if (artifactType === undefined || artifactType === null || artifactType === '') return {};
  if (typeof artifactType === 'string' && MEDIA_TYPE.test(artifactType)) return { artifactType };
  throw invalid(subject, 'has an artifactType that is no media type');
}

function annotationsOf({ annotations }: JsonObject, subject: string): Readonly<Record<string, string>> {
  if (annotations === undefined || annotations === null) return {};
  if (!isJsonObject(annotations)) throw invalid(subject, 'has annotations that are no object');
  const entries = Object.entries(annotations).map(([key, text]): readonly [string, string] => {
    if (typeof text !== 'string') throw invalid(subject, 'has an annotation that is no text');
    return [key, text];
  });
  return Object.fromEntries(entries);
}

function invalid(subject: string, what: string): SourceError {
  return new SourceError('SOURCE_INVALID', `${subject} ${what}`);
}
