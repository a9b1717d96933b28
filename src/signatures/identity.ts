// Signers without a key of their own: an authority has issued a certificate for a moment, to whom an issuer of tokens
// vouched for. Names are compared byte by byte. Text that was decoded first could be made to look like another.
import type { ASN1Obj, X509Certificate } from '@sigstore/core';
import type { SignedEntity } from '@sigstore/verify';
import { messageOf } from '../errors.ts';
import type { AllowedIdentity } from './policy.ts';
import { RejectedSignature } from './rejection.ts';
import { quoted } from './statement.ts';
import type { TrustedRoot } from './trusted-root.ts';

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** The issuer as a string of ASN.1, and in older certificates as bare bytes. */
const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_AS_BYTES = '1.3.6.1.4.1.57264.1.1';

const EMAIL_TAG = 1;
const URI_TAG = 6;

/** Of a name in a message; what tells two workflows apart is often at the end. */
const MAX_SHOWN_NAME = 200;

interface CertificateIdentity {
  readonly issuer: Buffer;
  readonly subject: Buffer;
}

/**
 * The subject of the identity that signed, if it is one of those.
 * @throws RejectedSignature
 */
export function verifyIdentity(
  entity: SignedEntity,
  root: TrustedRoot,
  identities: readonly AllowedIdentity[],
): string {
  if (entity.key.$case !== 'certificate') {
    throw new RejectedSignature('it was made with a key, not by an identity');
  }
  const hasTime = entity.timestamps.some(
    (time) => time.$case === 'timestamp-authority' || time.tlogEntry.inclusionPromise !== undefined,
  );
  if (!hasTime) {
    throw new RejectedSignature('nothing proves when it was made: no dated log entry, and no timestamp');
  }
  let found: CertificateIdentity;
  try {
    root.check(entity);
    found = identityOf(entity.key.certificate);
  } catch (error) {
    throw error instanceof RejectedSignature ? error : new RejectedSignature(reasonOf(error), error);
  }
  const match = identities.find(
    ({ issuer, subject }) =>
      found.issuer.equals(Buffer.from(issuer)) && found.subject.equals(Buffer.from(subject)),
  );
  if (match !== undefined) return match.subject;
  throw new RejectedSignature(`it is by ${shown(found.subject)} of ${shown(found.issuer)}`);
}

function identityOf(certificate: X509Certificate): CertificateIdentity {
  const usages = certificate.extension(EXTENDED_KEY_USAGE)?.valueObj.subs[0]?.subs ?? [];
  if (!usages.some((usage) => usage.toOID() === CODE_SIGNING)) {
    throw new RejectedSignature('its certificate is not one for signing code');
  }
  const names = certificate.extension(SUBJECT_ALTERNATIVE_NAME)?.valueObj.subs[0]?.subs ?? [];
  const [name] = names;
  if (name === undefined || names.length > 1 || !isEmailOrUri(name)) {
    throw new RejectedSignature('its certificate does not name exactly one email address or URI');
  }
  const issuer =
    certificate.extension(ISSUER)?.valueObj.subs[0]?.value ?? certificate.extension(ISSUER_AS_BYTES)?.value;
  if (issuer === undefined) throw new RejectedSignature('its certificate does not name the issuer');
  return { issuer, subject: name.value };
}

function isEmailOrUri({ tag }: ASN1Obj): boolean {
  return tag.isContextSpecific(EMAIL_TAG) || tag.isContextSpecific(URI_TAG);
}

/** What the library says, with its reason. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause]
    .filter((each) => each instanceof Error)
    .map((each) => messageOf(each, 100))
    .join(': ');
}

function shown(name: Buffer): string {
  return quoted(name.toString(), MAX_SHOWN_NAME);
}
