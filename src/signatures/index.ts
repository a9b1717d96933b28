export type { SignatureRegistry, SignedPlace } from './attachments.ts';
export type { AllowedIdentity, VerificationKey, VerificationPolicy } from './policy.ts';
export { generateSigningKey, readSigningKey, type SigningKey } from './private-key.ts';
export { type SigningRegistry, type SignOptions, signDigest } from './sign.ts';
export { TrustedRoot } from './trusted-root.ts';
export {
  SignatureVerifier,
  type SignatureVerifierOptions,
  type Verified,
  type VerifiedPlace,
} from './verifier.ts';
