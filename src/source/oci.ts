// Modules in registries. A tag or a range is resolved to a digest; the signature that is asked for is that digest's, and
// it is the digest that is fetched, so that nothing can be moved in between. A status may have been written by anybody who
// may write statuses: what it names is shown credentials for, and verified, like everything else.
import type { CueRef, Verification } from '../api/index.ts';
import { isSourceError, SourceError } from '../errors.ts';
import { formatOciReference, isDigest, type OciReference, parseOciReference } from '../registry/index.ts';
import type { VerificationPolicy } from '../signatures/index.ts';
import { registryLogin } from './credentials.ts';
import type { ModuleSource, Resolution, SourceContext } from './module-source.ts';
import type { ModuleTree } from './module-tree.ts';
import type { OciModules, OciQuestion } from './oci-modules.ts';
import type { Remote } from './remote.ts';
import { readSecret } from './secret-data.ts';

export interface OciSourceOptions {
  readonly modules: OciModules;
  readonly remote: Pick<Remote, 'askerOf'>;
}

export class OciSource implements ModuleSource {
  readonly #modules: OciModules;
  readonly #remote: Pick<Remote, 'askerOf'>;

  constructor({ modules, remote }: OciSourceOptions) {
    this.#modules = modules;
    this.#remote = remote;
  }

  async resolve(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<Resolution> {
    const named = checkedReference(ref);
    const { question: asked, missing } = await this.#question(ref, named, context, signal);
    return await explained(missing, async () => await this.#resolved(ref, named, asked, context, signal));
  }

  async #resolved(
    ref: CueRef,
    named: OciReference,
    asked: OciQuestion,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<Resolution> {
    const tag =
      ref.semver === undefined ? named.tag : await this.#modules.tagInRange(asked, ref.semver, signal);
    const reference = tag === undefined ? named : { ...named, tag };
    const digest = await this.#modules.digest({ ...asked, reference }, signal);
    const signer = await this.#signer(ref, { ...asked, reference: { ...named, digest } }, context, signal);
    const name = named.digest === undefined ? tag : undefined;
    return {
      digest,
      revision: name === undefined ? digest : `${name}@${digest}`,
      ...(signer === undefined ? {} : { signer }),
    };
  }

  async fetch(
    ref: CueRef,
    { digest }: Resolution,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<ModuleTree> {
    if (!isDigest(digest))
      throw new SourceError('SOURCE_CHANGED', 'what the status says of the module is no digest');
    const { host, repository } = checkedReference(ref);
    const { question, missing } = await this.#question(ref, { host, repository, digest }, context, signal);
    return await explained(missing, async () => {
      await this.#signer(ref, question, context, signal);
      return await this.#modules.tree(question, signal);
    });
  }

  /** A digest stands for itself. What can't be read is asked about again, which says what is wrong. */
  readonly isMoving = ({ ref }: CueRef): boolean => !/@[a-z0-9]+:[0-9a-f]+$/.test(ref);

  async #question(
    ref: CueRef,
    reference: OciReference,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<{ readonly question: OciQuestion; readonly missing: string | undefined }> {
    const { namespace, maxAgeMs } = context;
    const { access, missing } = await registryLogin(ref, reference, context, signal);
    const asker = this.#remote.askerOf(reference.host, access, namespace);
    return { question: { reference, access, asker, maxAgeMs }, missing };
  }

  async #signer(
    { verify }: CueRef,
    question: OciQuestion,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (verify === undefined) return undefined;
    const policy = await verificationPolicy(verify, context, signal);
    return await this.#modules.signer(question, policy, signal);
  }
}

/** What `work` comes to; a registry's refusal is told with the reason why it was asked without a login. */
async function explained<T>(missing: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (missing === undefined || !isSourceError(error, 'SOURCE_AUTH')) throw error;
    throw new SourceError(error.code, `${error.message}; ${missing}`, { retry: error.retry, cause: error });
  }
}

/** @throws SourceError `SOURCE_INVALID` */
function checkedReference({ ref, semver }: CueRef): OciReference {
  const reference = parseOciReference(ref);
  const isNamed = reference.tag !== undefined || reference.digest !== undefined;
  if (isNamed === (semver === undefined)) return reference;
  const what = isNamed
    ? 'has a tag or a digest, which does not go with semver'
    : 'has neither a tag nor a digest, and there is no semver';
  const place = formatOciReference(reference);
  throw new SourceError('SOURCE_INVALID', `${place} ${what}`, { retry: 'never' });
}

/** @throws SourceError, and what the context's reader throws */
async function verificationPolicy(
  { secretRef, identities }: Verification,
  context: SourceContext,
  signal: AbortSignal,
): Promise<VerificationPolicy> {
  if (secretRef === undefined) return { identities: identities ?? [] };
  const secret = await readSecret(secretRef, 'verify.secretRef', context, signal);
  const names = secret.keys.filter((key) => key.endsWith('.pub')).sort();
  if (names.length === 0)
    throw new SourceError('SOURCE_INVALID', `${secret.title} has no key that ends in .pub`);
  return { keys: names.map((name) => ({ name, pem: secret.text(name) ?? '' })) };
}
