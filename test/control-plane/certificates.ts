// X.509 certificates for a throw-away authority. node:crypto signs but cannot issue certificates, so the few DER
// structures of RFC 5280 that TLS clients check are written here. All keys are ECDSA P-256.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { bitString, element, extension, oid, sequence, time } from './der.ts';

/** A certificate and its private key, both PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate speaks for: Kubernetes reads the user from `commonName` and the groups from `organizations`. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** What a certificate may be used for: an authority, a server under these names and addresses, or a client. */
export type Usage =
  | { readonly kind: 'authority' }
  | { readonly kind: 'server'; readonly hosts: readonly string[]; readonly addresses: readonly string[] }
  | { readonly kind: 'client' };

const VALID_DAYS = 365;
const DAY_MS = 24 * 60 * 60 * 1000;

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  organization: '55040a',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAltName: '551d11',
  subjectKeyIdentifier: '551d0e',
  authorityKeyIdentifier: '551d23',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
} as const;

/** A new authority's self-signed certificate. */
export function createAuthority(commonName: string, now: Date = new Date()): CertificatePair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = encodeName({ commonName });
  return encodePair(
    { issuer: name, subject: name, publicKey: keys.publicKey, usage: { kind: 'authority' } },
    keys.privateKey,
    keys.privateKey,
    now,
  );
}

/** A new key with a certificate that `authority` signed. */
export function issueCertificate(
  authority: CertificatePair,
  subject: Subject,
  usage: Usage,
  now: Date = new Date(),
): CertificatePair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuerCommonName = new X509Certificate(authority.certificate).subject.replace(/^CN=/, '');
  return encodePair(
    {
      issuer: encodeName({ commonName: issuerCommonName }),
      subject: encodeName(subject),
      publicKey: keys.publicKey,
      usage,
    },
    authority.key,
    keys.privateKey,
    now,
  );
}

/** A key pair for signing service account tokens. */
export function createTokenKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

interface Draft {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly usage: Usage;
}

function encodePair(draft: Draft, signer: KeyObject | string, key: KeyObject, now: Date): CertificatePair {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(12);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01; // positive and without a leading zero byte
  const body = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))), // X.509 version 3
    element(0x02, serial),
    algorithm,
    draft.issuer,
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + VALID_DAYS * DAY_MS))),
    draft.subject,
    draft.publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...keyIdentifiers(draft.publicKey, signer), ...extensions(draft.usage))),
  );
  const certificate = sequence(body, algorithm, bitString(sign('sha256', body, signer)));
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Which key this is and which one signed: strict verifiers (Python's, for one) insist on both. */
function keyIdentifiers(publicKey: KeyObject, signer: KeyObject | string): Buffer[] {
  const identify = (key: KeyObject): Buffer =>
    createHash('sha1')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest();
  return [
    extension(OID.subjectKeyIdentifier, element(0x04, identify(publicKey)), false),
    extension(OID.authorityKeyIdentifier, sequence(element(0x80, identify(createPublicKey(signer)))), false),
  ];
}

function extensions(usage: Usage): Buffer[] {
  if (usage.kind === 'authority') {
    const isAuthority = sequence(element(0x01, Buffer.from([0xff])));
    return [
      extension(OID.basicConstraints, isAuthority, true),
      extension(OID.keyUsage, bitString(Buffer.from([0x06]), 1), true), // keyCertSign, cRLSign
    ];
  }
  const purpose = usage.kind === 'server' ? OID.serverAuth : OID.clientAuth;
  const common = [
    extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true), // digitalSignature
    extension(OID.extendedKeyUsage, sequence(oid(purpose)), false),
  ];
  if (usage.kind === 'client') return common;
  const names = sequence(
    ...usage.hosts.map((host) => element(0x82, Buffer.from(host, 'ascii'))),
    ...usage.addresses.map((address) => element(0x87, Buffer.from(address.split('.').map(Number)))),
  );
  return [...common, extension(OID.subjectAltName, names, false)];
}

/** A name as certificates hold it. */
export function encodeName(subject: Subject): Buffer {
  const attribute = (id: string, value: string): Buffer =>
    element(0x31, sequence(oid(id), element(0x0c, Buffer.from(value, 'utf8'))));
  return sequence(
    ...(subject.organizations ?? []).map((group) => attribute(OID.organization, group)),
    attribute(OID.commonName, subject.commonName),
  );
}
