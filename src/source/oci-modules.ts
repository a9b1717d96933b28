// Modules in registries: what a tag or a digest is now, whether it is signed, and what it holds. Whoever asks first does it
// for all who ask the same with the same credentials.
//
// A tree is handed out only to credentials that the registry has accepted for its digest in this repository. A digest
// proves what the bytes are, and nothing about who may read them. So it is kept by repository, too: who has got hold of
// another's manifest and puts it into a repository of his own has to have the content that it names.
import { LRUCache } from 'lru-cache';
import type { SharedAnswers } from '../cache/index.ts';
import { isSourceError, SourceError } from '../errors.ts';
import {
  formatOciReference,
  highestTag,
  type Manifest,
  type OciReference,
  type RegistryAccess,
  type RegistryReader,
} from '../registry/index.ts';
import type { SignatureVerifier, VerificationPolicy } from '../signatures/index.ts';
import { readArtifact } from './artifact.ts';
import type { ModuleTree, TreeLimits } from './module-tree.ts';
import type { Asker, Remote } from './remote.ts';

/** Bytes of manifests that are kept between finding a digest and fetching what it names. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** So many manifests' size is taken for, whatever they hold. */
const MANIFEST_OVERHEAD_BYTES = 4096;
/** Characters of all lists of tags that are kept: one list may have ten thousand. */
const MAX_TAGS_LENGTH = 8 * 1024 * 1024;
/** How old an answer may be, at most, that lets somebody have a digest. */
const MAX_PROOF_AGE_MS = 60_000;
/** A digest that was signed by these keys stays so. */
const FOR_EVER = Number.POSITIVE_INFINITY;

/** Who asks for what. */
export interface OciQuestion {
  readonly reference: OciReference;
  readonly access: RegistryAccess;
  readonly asker: Asker;
  /** An answer that somebody got this recently, with the same credentials, will do. */
  readonly maxAgeMs: number;
}

export interface OciModulesOptions {
  readonly registry: RegistryReader;
  readonly verifier: Pick<SignatureVerifier, 'verify'>;
  readonly remote: Remote;
  readonly limits?: TreeLimits | undefined;
}

export class OciModules {
  readonly #registry: RegistryReader;
  readonly #verifier: Pick<SignatureVerifier, 'verify'>;
  readonly #remote: Remote;
  readonly #limits: TreeLimits | undefined;
  /** By name and credentials: the digest. */
  readonly #digests: SharedAnswers<string>;
  readonly #tags: SharedAnswers<readonly string[]>;
  readonly #signers: SharedAnswers<string>;
  readonly #manifests = new LRUCache<string, Manifest>({
    maxSize: MAX_MANIFEST_BYTES,
    sizeCalculation: ({ body }) => body.length + MANIFEST_OVERHEAD_BYTES,
  });
  /** By question: the digest that was last found, so that the registry is only asked whether it is still that. */
  readonly #lastFound = new LRUCache<string, string>({ max: 10_000 });

  constructor({ registry, verifier, remote, limits }: OciModulesOptions) {
    this.#registry = registry;
    this.#verifier = verifier;
    this.#remote = remote;
    this.#limits = limits;
    this.#digests = remote.answers();
    this.#tags = remote.answers({ lengthOf: lengthOfAll, maxLength: MAX_TAGS_LENGTH });
    this.#signers = remote.answers();
  }

  /** The digest that a tag or a digest stands for now, after the registry has accepted the credentials. @throws SourceError */
  async digest(question: OciQuestion, signal: AbortSignal): Promise<string> {
    const { reference, access, asker, maxAgeMs } = question;
    const key = nameOf(reference, asker);
    const load = (given: AbortSignal): Promise<string> =>
      this.#remote.ask(
        asker,
        async (limit) => {
          const digest = await this.#find(key, reference, access, limit);
          this.#remote.grants.grant(placeOf(reference), digest, asker.key);
          return digest;
        },
        given,
      );
    try {
      return (await this.#digests.ask({ key, maxAgeMs }, load, signal)).value;
    } catch (error) {
      const last = this.#lastFound.get(key);
      if (last !== undefined && isSourceError(error, 'SOURCE_AUTH'))
        this.#remote.grants.withdraw(placeOf(reference), last, asker.key);
      throw error;
    }
  }

  /** The tag with the highest version in a range. @throws SourceError */
  async tagInRange(question: OciQuestion, range: string, signal: AbortSignal): Promise<string> {
    const { reference, access, asker, maxAgeMs } = question;
    const { tag: _tag, digest: _digest, ...repository } = reference;
    const key = nameOf(repository, asker);
    const load = (given: AbortSignal): Promise<readonly string[]> =>
      this.#remote.ask(asker, (limit) => this.#registry.tags(repository, access, limit), given);
    return highestTag((await this.#tags.ask({ key, maxAgeMs }, load, signal)).value, range);
  }

  /** Who signed a digest. @param question with a digest @throws SourceError `SOURCE_UNVERIFIED`, and others */
  async signer(question: OciQuestion, policy: VerificationPolicy, signal: AbortSignal): Promise<string> {
    const { reference, access, asker } = question;
    // Keys may be long, and answers are many: the policy is named by its hash.
    const key = JSON.stringify([nameOf(reference, asker), this.#remote.grants.credentialKey(policy)]);
    const load = (given: AbortSignal): Promise<string> =>
      this.#remote.ask(
        asker,
        async (limit) => {
          const { digest, rootDigest } = await this.#manifest(reference, access, limit);
          return (await this.#verifier.verify({ reference, digest, rootDigest, access }, policy, limit))
            .signer;
        },
        given,
      );
    return (await this.#signers.ask({ key, maxAgeMs: FOR_EVER }, load, signal)).value;
  }

  /** The content of a digest, for those whom the registry lets have it. @param question with a digest @throws SourceError */
  async tree(question: OciQuestion, signal: AbortSignal): Promise<ModuleTree> {
    await this.#prove(question, signal);
    const { reference, access, asker } = question;
    const load = (given: AbortSignal): Promise<ModuleTree> =>
      this.#remote.ask(
        asker,
        async (limit) => {
          const manifest = await this.#manifest(reference, access, limit);
          const fetchBlob = (descriptor: Parameters<RegistryReader['blob']>[1]): Promise<Uint8Array> =>
            this.#registry.blob(reference, descriptor, access, limit);
          return await readArtifact(manifest.value, fetchBlob, this.#limits).catch(throwNamed(reference));
        },
        given,
      );
    const loadedFrom = JSON.stringify([placeOf(reference), asker.key]);
    const key = JSON.stringify(['oci', placeOf(reference), reference.digest]);
    return await this.#remote.tree('oci', { key, loadedFrom }, load, signal);
  }

  /** @throws SourceError where the registry does not let these credentials have this digest */
  async #prove(question: OciQuestion, signal: AbortSignal): Promise<void> {
    const { reference, asker, maxAgeMs } = question;
    const { grants } = this.#remote;
    const isKnown = [placeOf(reference), reference.digest ?? '', asker.key] as const;
    if (grants.has(...isKnown)) return;
    try {
      await this.digest({ ...question, maxAgeMs: Math.min(maxAgeMs, MAX_PROOF_AGE_MS) }, signal);
    } catch (error) {
      const isSilent = isSourceError(error, 'SOURCE_UNAVAILABLE');
      // What it has said stands, also when it falls silent later. Some registries refuse by 404.
      if (error instanceof SourceError && !isSilent) grants.withdraw(...isKnown);
      if (!isSilent || !grants.had(...isKnown)) throw error;
    }
  }

  async #find(
    key: string,
    reference: OciReference,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<string> {
    const last = this.#lastFound.get(key);
    if (last !== undefined) {
      const found = await this.#registry.digest(reference, access, signal);
      if (found === last) return found;
    }
    const manifest = await this.#registry.resolve(reference, access, signal);
    this.#manifests.set(manifest.rootDigest, manifest);
    this.#lastFound.set(key, manifest.rootDigest);
    return manifest.rootDigest;
  }

  async #manifest(reference: OciReference, access: RegistryAccess, signal: AbortSignal): Promise<Manifest> {
    const known = this.#manifests.get(reference.digest ?? '');
    if (known !== undefined) return known;
    const manifest = await this.#registry.resolve(reference, access, signal);
    this.#manifests.set(manifest.rootDigest, manifest);
    return manifest;
  }
}

/** What is wrong with an artefact is said with its place. */
function throwNamed(reference: OciReference): (error: unknown) => never {
  return (error) => {
    const isNamed = !(error instanceof SourceError) || error.message.includes(reference.host);
    if (isNamed) throw error;
    const place = formatOciReference(reference);
    throw new SourceError(error.code, `${place}: ${error.message}`, { retry: error.retry, cause: error });
  };
}

function lengthOfAll(tags: readonly string[]): number {
  return tags.reduce((sum, tag) => sum + tag.length, 0);
}

function placeOf({ host, repository }: OciReference): string {
  return `oci://${host}/${repository}`;
}

function nameOf({ host, repository, tag, digest }: OciReference, { key }: Asker): string {
  return JSON.stringify([host, repository, digest === undefined ? (tag ?? null) : digest, key]);
}
