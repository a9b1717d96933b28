import { SourceError } from '../errors.ts';
import { formatOciReference } from '../registry/index.ts';
import { Attachments, type SignatureRegistry, type SignedPlace } from './attachments.ts';
import { type Claim, readClaim } from './claim.ts';
import { Findings } from './findings.ts';
import { verifyIdentity } from './identity.ts';
import type { VerificationPolicy } from './policy.ts';
import { isSignedBy, readPublicKey } from './public-key.ts';
import { RejectedSignature } from './rejection.ts';
import type { TrustedRoot } from './trusted-root.ts';

/** Of keys, and of identities, in one policy. */
const MAX_SIGNERS = 20;

export interface SignatureVerifierOptions {
  readonly registry: SignatureRegistry;
  /** Who vouches for signers without a key; without it there are none. */
  readonly trustedRoot?: TrustedRoot | undefined;
}

/** What is to be verified: the digest that will be fetched, or the index that led to it. */
export interface VerifiedPlace extends SignedPlace {
  /** The digest that the reference named, where it was an index; a signature of it counts, too. */
  readonly rootDigest?: string;
}

/** Who signed, as it goes to a status. */
export interface Verified {
  /** `key <name>`, or the subject of the identity. */
  readonly signer: string;
}

/** Names the signer of a claim. @throws RejectedSignature where it is none of those who are asked for */
interface SignerCheck {
  /** `by key team-a.pub`. */
  readonly wanted: string;
  readonly signerOf: (claim: Claim) => string;
}

/**
 * Looks for a signature of a digest that a policy asks for. A digest, never a tag: what was verified is what is fetched
 * afterwards. No signature, one that is not to be understood and one by somebody else are the same: not verified.
 */
export class SignatureVerifier {
  readonly #registry: SignatureRegistry;
  readonly #trustedRoot: TrustedRoot | undefined;

  constructor({ registry, trustedRoot }: SignatureVerifierOptions) {
    this.#registry = registry;
    this.#trustedRoot = trustedRoot;
  }

  /**
   * @throws SourceError: `SOURCE_UNVERIFIED` where there is none; `SOURCE_UNAVAILABLE`, `SOURCE_AUTH` or `SOURCE_REFUSED`
   * where that can't be known; `SOURCE_INVALID` where a key of the policy can't be used; `SOURCE_REFUSED` where it names
   * identities and there is no trusted root.
   */
  async verify(place: VerifiedPlace, policy: VerificationPolicy, signal: AbortSignal): Promise<Verified> {
    const check = this.#check(policy);
    const { reference, digest, rootDigest = digest } = place;
    const findings = new Findings();
    for (const signed of new Set([rootDigest, digest])) {
      const signer = await this.#signerOf({ ...place, digest: signed }, check, findings, signal);
      if (signer !== undefined) return { signer };
    }
    const { host, repository } = reference;
    throw findings.error(formatOciReference({ host, repository, digest }), check.wanted);
  }

  async #signerOf(
    place: SignedPlace,
    check: SignerCheck,
    findings: Findings,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const attachments = new Attachments(this.#registry, place, findings);
    const readManifest = (): Promise<Uint8Array> => attachments.signedManifest(signal);
    for await (const attached of attachments.all(signal)) {
      signal.throwIfAborted();
      const signer = await findings.attempt(attached.name, async () =>
        check.signerOf(await readClaim(attached, place.digest, readManifest)),
      );
      if (signer !== undefined) return signer;
    }
    return undefined;
  }

  #check(policy: VerificationPolicy): SignerCheck {
    if ('keys' in policy) {
      const keys = bounded(policy.keys, 'key').map(readPublicKey);
      const names = keys.map(({ name }) => name).join(' or ');
      return {
        wanted: `by key ${names}`,
        signerOf: ({ signed, signature }) => {
          const key = keys.find((each) => isSignedBy(each, signed, signature));
          if (key === undefined) throw new RejectedSignature('no key verifies it');
          return `key ${key.name}`;
        },
      };
    }
    const identities = bounded(policy.identities, 'identity');
    const root = this.#trustedRoot;
    if (root === undefined) {
      throw new SourceError(
        'SOURCE_REFUSED',
        'signatures by identities are not verified here: the operator was started without --sigstore-trusted-root',
      );
    }
    return {
      wanted: `by ${identities.map(({ subject }) => subject).join(' or ')}`,
      signerOf: (claim) => verifyIdentity(claim.entity(), root, identities),
    };
  }
}

function bounded<T>(signers: readonly T[], kind: string): readonly T[] {
  if (signers.length === 0) {
    throw new SourceError('SOURCE_INVALID', `verify names no ${kind}: nobody could have signed it`);
  }
  if (signers.length <= MAX_SIGNERS) return signers;
  throw new SourceError('SOURCE_INVALID', `verify names more than ${MAX_SIGNERS} signers`);
}
