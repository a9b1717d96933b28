import { createHash } from 'node:crypto';
import { SourceError } from '../../src/errors.ts';
import type {
  ArtifactManifest,
  Descriptor,
  Manifest,
  OciReference,
  RegistryReader,
  RegistryWriter,
} from '../../src/registry/index.ts';

type Operation = 'blob' | 'referrers' | 'resolve';
type Registry = Pick<RegistryReader, Operation> & RegistryWriter;

/** As manifests are written: what may be left out is. */
interface WrittenDescriptor extends Omit<Descriptor, 'annotations' | 'hasPlatform'> {
  readonly annotations?: Readonly<Record<string, string>>;
}

interface WrittenManifest {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: WrittenDescriptor;
  readonly layers?: readonly WrittenDescriptor[];
  readonly subject?: WrittenDescriptor;
  readonly manifests?: readonly WrittenDescriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One repository, without the protocol: it says what it was given, true or not. */
export class MemoryRegistry implements Registry {
  readonly tags: Map<string, string> = new Map();
  readonly manifests: Map<string, string> = new Map();
  readonly blobs: Map<string, Uint8Array> = new Map();
  /** What is listed as being about whatever is asked for, besides what really is. */
  readonly listed: Descriptor[] = [];
  /** What was asked for, in order: `resolve sha256:…`. */
  readonly calls: string[] = [];
  /** Has an operation fail in place of an answer. */
  failure: ((operation: Operation, what: string) => SourceError | undefined) | undefined;

  async resolve({ tag, digest: asked }: OciReference): Promise<Manifest> {
    const which = asked ?? tag ?? 'latest';
    this.#called('resolve', which);
    const digest = asked ?? this.tags.get(which) ?? '';
    const text = this.manifests.get(digest);
    if (text === undefined) throw new SourceError('SOURCE_NOT_FOUND', `no manifest ${which}`);
    const value = readManifest(text);
    return { digest, rootDigest: digest, mediaType: value.mediaType, body: Buffer.from(text), value };
  }

  async blob(_reference: OciReference, { digest }: Pick<Descriptor, 'digest'>): Promise<Uint8Array> {
    this.#called('blob', digest);
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new SourceError('SOURCE_NOT_FOUND', `no blob ${digest}`);
    if (digestOf(bytes) !== digest) throw new SourceError('SOURCE_DIGEST', `blob ${digest} is another`);
    return bytes;
  }

  async referrers(
    _reference: OciReference,
    { digest }: { readonly digest: string },
  ): Promise<readonly Descriptor[]> {
    this.#called('referrers', digest);
    const about = [...this.manifests].flatMap(([key, text]) => {
      const manifest = readManifest(text);
      return manifest.subject?.digest === digest ? [listing(key, text, manifest)] : [];
    });
    return [...this.listed, ...about];
  }

  async pushBlob(_reference: OciReference, bytes: Uint8Array): Promise<{ digest: string; size: number }> {
    return this.putBlob(bytes);
  }

  async pushManifest({ tag }: OciReference, { body }: { readonly body: Uint8Array }): Promise<string> {
    return this.putManifest(Buffer.from(body).toString(), tag);
  }

  putBlob(bytes: Uint8Array): { digest: string; size: number } {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { digest, size: bytes.byteLength };
  }

  putManifest(manifest: object | string, tag?: string): string {
    const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    const digest = digestOf(Buffer.from(text));
    this.manifests.set(digest, text);
    if (tag !== undefined) this.tags.set(tag, digest);
    return digest;
  }

  #called(operation: Operation, what: string): void {
    this.calls.push(`${operation} ${what}`);
    const failure = this.failure?.(operation, what);
    if (failure !== undefined) throw failure;
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function readManifest(text: string): ArtifactManifest {
  const written: WrittenManifest = JSON.parse(text);
  const { mediaType, artifactType, config, layers = [], subject, annotations = {} } = written;
  return {
    kind: 'manifest',
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: descriptor(config ?? { mediaType: '', digest: '', size: 0 }),
    layers: layers.map(descriptor),
    ...(subject === undefined ? {} : { subject: descriptor(subject) }),
    annotations,
  };
}

function descriptor(written: WrittenDescriptor): Descriptor {
  return { hasPlatform: false, ...written, annotations: written.annotations ?? {} };
}

/** As the specification has it: the type of the config stands in for a type of its own. */
function listing(digest: string, text: string, manifest: ArtifactManifest): Descriptor {
  const { mediaType, annotations, config } = manifest;
  const artifactType = manifest.artifactType ?? config.mediaType;
  return { mediaType, digest, size: text.length, artifactType, annotations, hasPlatform: false };
}
