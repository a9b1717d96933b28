// Who must have signed, as the command line says it.
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { OciReference, RegistryAccess, RegistryClient } from '../registry/index.ts';
import {
  SignatureVerifier,
  type TrustedRoot,
  type VerificationPolicy,
  type Verified,
} from '../signatures/index.ts';
import { CliError } from './exit-code.ts';
import { readFlagFile } from './flag-file.ts';
import { readTrustedRoot } from './source-flags.ts';

/** What {@link withVerificationOptions} reads. */
export interface VerificationFlags {
  /** Files. */
  readonly verifyKey: readonly string[];
  readonly verifyIssuer?: string;
  readonly verifySubject?: string;
  /** A file. */
  readonly sigstoreTrustedRoot?: string;
}

/** A policy, and whom it trusts about signers without a key. */
export interface AskedVerification {
  readonly policy: VerificationPolicy;
  readonly trustedRoot?: TrustedRoot | undefined;
}

/** Adds the options that say who must have signed. */
export function withVerificationOptions(command: Command): Command {
  return command
    .option('--verify-key <file>', 'public key of a signer, in PEM; repeatable', another, [])
    .option('--verify-issuer <issuer>', "issuer of the signer's identity, exactly")
    .option('--verify-subject <subject>', "the signer's email address or URI, exactly")
    .option('--sigstore-trusted-root <file>', 'trusted_root.json: whom to trust about identities');
}

/**
 * What the flags ask for; undefined where they ask for nothing.
 * @throws CliError where they contradict each other, or a file can't be used
 */
export async function readVerification(flags: VerificationFlags): Promise<AskedVerification | undefined> {
  const { verifyKey, verifyIssuer: issuer, verifySubject: subject, sigstoreTrustedRoot: file } = flags;
  const identity = [issuer, subject, file];
  const isByIdentity = identity.some((each) => each !== undefined);
  if (verifyKey.length > 0 && isByIdentity) {
    throw new CliError('error: --verify-key is for signers with a key, the other flags are for identities');
  }
  if (!isByIdentity) {
    if (verifyKey.length === 0) return undefined;
    const pems = verifyKey.map(async (path) => ({
      name: basename(path),
      pem: await readFlagFile('--verify-key', path),
    }));
    return { policy: { keys: await Promise.all(pems) } };
  }
  if (issuer === undefined || subject === undefined || file === undefined) {
    throw new CliError(
      'error: --verify-issuer, --verify-subject and --sigstore-trusted-root belong together',
    );
  }
  return { policy: { identities: [{ issuer, subject }] }, trustedRoot: await readTrustedRoot(file) };
}

/** What a reference names, asked for once and signed by whom the flags say. */
export interface VerifiedDigest extends Verified {
  /** Of the manifest. */
  readonly digest: string;
  /** Of the index that led to it, where there is one. */
  readonly rootDigest: string;
}

/** @throws SourceError `SOURCE_UNVERIFIED` where nobody signed it who may, and as the registry's client */
export async function verifiedDigest(
  registry: RegistryClient,
  reference: OciReference,
  access: RegistryAccess,
  { policy, trustedRoot }: AskedVerification,
  signal: AbortSignal,
): Promise<VerifiedDigest> {
  const { digest, rootDigest } = await registry.resolve(reference, access, signal);
  const verifier = new SignatureVerifier({ registry, trustedRoot });
  const place = { reference, digest, rootDigest, access };
  return { digest, rootDigest, ...(await verifier.verify(place, policy, signal)) };
}

function another(path: string, before: readonly string[]): readonly string[] {
  return [...before, path];
}
