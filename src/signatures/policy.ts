/** A key whose holder may sign. */
export interface VerificationKey {
  /** What a signature by it is reported as: the name of its entry in the Secret. */
  readonly name: string;
  readonly pem: string;
}

/** Who may sign without a key of his own; exact texts. */
export interface AllowedIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** Who must have signed: the holder of one of the keys, or one of the identities. */
export type VerificationPolicy =
  | { readonly keys: readonly VerificationKey[] }
  | { readonly identities: readonly AllowedIdentity[] };
