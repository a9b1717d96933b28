// A registry in memory, for tests: repositories with tags, who may read them, whether it answers, and what it was asked.
import { SourceError } from '../errors.ts';
import {
  type Descriptor,
  digestOf,
  type Manifest,
  type OciReference,
  type RegistryAccess,
  type RegistryReader,
} from '../registry/index.ts';

const TITLE = 'org.opencontainers.image.title';

function descriptor(bytes: Uint8Array, title?: string): Descriptor {
  return {
    mediaType: 'application/vnd.test.file',
    digest: digestOf(bytes),
    size: bytes.length,
    annotations: title === undefined ? {} : { [TITLE]: title },
    hasPlatform: false,
  };
}

export class FakeRegistry implements RegistryReader {
  /** `digest`, `resolve`, `blob`, `tags`, each with what it was about. */
  readonly calls: string[] = [];
  isDown: boolean = false;
  /** Repositories that need the password; others are public. */
  readonly passwords: Map<string, string> = new Map();
  readonly #manifests = new Map<string, Manifest>();
  /** By `repository@digest`. */
  readonly #blobs = new Map<string, Uint8Array>();
  /** `repository:tag` to digest. */
  readonly #tags = new Map<string, string>();

  /** Puts files there, and says which digest they have. */
  push(repository: string, tag: string, files: Readonly<Record<string, string>>): string {
    const layers = Object.entries(files).map(([path, text]) => {
      const bytes = new TextEncoder().encode(text);
      const layer = descriptor(bytes, path);
      this.#blobs.set(`${repository}@${layer.digest}`, bytes);
      return layer;
    });
    const config = descriptor(new TextEncoder().encode('{}'));
    const body = new TextEncoder().encode(JSON.stringify([repository, layers]));
    const digest = digestOf(body);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const value = { kind: 'manifest', mediaType, config, layers, annotations: {} } as const;
    this.#manifests.set(`${repository}@${digest}`, { digest, rootDigest: digest, mediaType, body, value });
    this.#tags.set(`${repository}:${tag}`, digest);
    return digest;
  }

  /** Puts a manifest into another repository, without the content that it names. */
  copyManifest(digest: string, from: string, to: string): void {
    const manifest = this.#manifests.get(`${from}@${digest}`);
    if (manifest === undefined) throw new Error(`${from} has no ${digest}`);
    this.#manifests.set(`${to}@${digest}`, manifest);
  }

  /** How often each kind of request was made. */
  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const call of this.calls) {
      const [kind = ''] = call.split(' ');
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  async digest(reference: OciReference, access: RegistryAccess): Promise<string> {
    return (await this.#asked('digest', reference, access)).rootDigest;
  }

  async resolve(reference: OciReference, access: RegistryAccess): Promise<Manifest> {
    return await this.#asked('resolve', reference, access);
  }

  async blob(
    reference: OciReference,
    { digest }: Pick<Descriptor, 'digest'>,
    access: RegistryAccess,
  ): Promise<Uint8Array> {
    await this.#admit('blob', reference, access);
    const bytes = this.#blobs.get(`${reference.repository}@${digest}`);
    if (bytes === undefined) throw new SourceError('SOURCE_NOT_FOUND', 'there is no such blob');
    return bytes;
  }

  async tags(reference: OciReference, access: RegistryAccess): Promise<readonly string[]> {
    await this.#admit('tags', reference, access);
    const prefix = `${reference.repository}:`;
    return [...this.#tags.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  async referrers(): Promise<readonly Descriptor[]> {
    return [];
  }

  async #asked(kind: string, reference: OciReference, access: RegistryAccess): Promise<Manifest> {
    await this.#admit(kind, reference, access);
    const { repository, tag = 'latest', digest = this.#tags.get(`${repository}:${tag}`) } = reference;
    const manifest = this.#manifests.get(`${repository}@${digest}`);
    if (manifest === undefined)
      throw new SourceError('SOURCE_NOT_FOUND', `${reference.host}/${repository}: no such manifest`);
    return manifest;
  }

  async #admit(
    kind: string,
    { host, repository }: OciReference,
    { credentials }: RegistryAccess,
  ): Promise<void> {
    this.calls.push(`${kind} ${repository}`);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isDown) throw new SourceError('SOURCE_UNAVAILABLE', `${host} does not answer`);
    const password = this.passwords.get(repository);
    if (password !== undefined && credentials?.password !== password)
      throw new SourceError(
        'SOURCE_AUTH',
        `${host} does not let ${credentials?.username ?? 'nobody'} read ${repository}`,
      );
  }
}
