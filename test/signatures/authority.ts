// An authority that issues certificates for a moment to whom an issuer of tokens vouches for, as Fulcio does, and a log of
// certificates that it puts each one into first.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { encodeName } from '../control-plane/certificates.ts';
import { bitString, element, extension, oid, sequence, time } from '../control-plane/der.ts';

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAltName: '551d11',
  subjectKeyIdentifier: '551d0e',
  authorityKeyIdentifier: '551d23',
  codeSigning: '2b06010505070303',
  timeStamping: '2b06010505070308',
  serverAuth: '2b06010505070301',
  issuer: '2b0601040183bf300108',
  issuerAsBytes: '2b0601040183bf300101',
  certificateTimestamps: '2b06010401d679020402',
} as const;

const ALGORITHM = sequence(oid(OID.ecdsaWithSha256));
const EMAIL = 0x81;
const URI = 0x86;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function newKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** A certificate and the key that it is for. */
export interface Certified extends KeyPair {
  readonly der: Buffer;
}

interface Draft {
  readonly subject: Buffer;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

/** Issues certificates. */
export class Authority {
  /** In DER. */
  readonly der: Buffer;
  readonly name: Buffer;
  readonly #keys: KeyPair = newKeys();

  constructor(commonName: string, validity: Validity) {
    this.name = encodeName({ commonName, organizations: ['sigstore.test'] });
    const extensions = [
      extension(OID.basicConstraints, sequence(element(0x01, Buffer.from([0xff]))), true),
      extension(OID.keyUsage, bitString(Buffer.from([0x06]), 1), true), // keyCertSign, cRLSign
    ];
    this.der = this.#certificate({ subject: this.name, validity, extensions }, this.#keys.publicKey);
  }

  get publicKey(): KeyObject {
    return this.#keys.publicKey;
  }

  /** A certificate that signs code, or whatever else `purpose` says. */
  issueSigner(signer: SignerDraft): Certified {
    const { issuer, subject, validity, log, isOldStyle = false, purpose = 'codeSigning' } = signer;
    const subjects = typeof subject === 'string' || Buffer.isBuffer(subject) ? [subject] : subject;
    const issuers = [
      extension(OID.issuerAsBytes, Buffer.from(issuer), false),
      extension(OID.issuer, element(0x0c, Buffer.from(issuer)), false),
    ];
    const extensions = [
      extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true), // digitalSignature
      extension(OID.extendedKeyUsage, sequence(oid(OID[purpose])), false),
      extension(OID.subjectAltName, sequence(...subjects.map(generalName)), true),
      ...(isOldStyle ? issuers.slice(0, 1) : issuers),
    ];
    const keys = newKeys();
    const draft = { subject: sequence(), validity, extensions };
    return { ...keys, der: this.#certificate(draft, keys.publicKey, log) };
  }

  /** A certificate of a server that says what time it is. */
  issueTimestamper(validity: Validity): Certified {
    const keys = newKeys();
    const extensions = [
      extension(OID.keyUsage, bitString(Buffer.from([0x80]), 7), true),
      extension(OID.extendedKeyUsage, sequence(oid(OID.timeStamping)), true),
    ];
    const subject = encodeName({ commonName: 'timestamps' });
    return { ...keys, der: this.#certificate({ subject, validity, extensions }, keys.publicKey) };
  }

  #certificate(draft: Draft, publicKey: KeyObject, log?: CertificateLog): Buffer {
    const serial = element(0x02, Buffer.from([0x01, ...randomBytes(11)]));
    const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest();
    const extensions = [
      ...draft.extensions,
      extension(OID.subjectKeyIdentifier, element(0x04, keyId(publicKey)), false),
      extension(OID.authorityKeyIdentifier, sequence(element(0x80, keyId(this.publicKey))), false),
    ];
    const body = (all: readonly Buffer[]): Buffer =>
      sequence(
        element(0xa0, element(0x02, Buffer.from([2]))), // X.509 version 3
        serial,
        ALGORITHM,
        this.name,
        sequence(time(draft.validity.from), time(draft.validity.to)),
        draft.subject,
        spki(publicKey),
        element(0xa3, sequence(...all)),
      );
    const stamps = log?.timestamps(body(extensions), this.publicKey, draft.validity.from);
    const signed = body(
      stamps === undefined
        ? extensions
        : [...extensions, extension(OID.certificateTimestamps, element(0x04, stamps), false)],
    );
    return sequence(signed, ALGORITHM, bitString(sign('sha256', signed, this.#keys.privateKey)));
  }
}

/** What a certificate says of who signs. */
export interface SignerDraft {
  readonly issuer: string;
  /** One that holds `@` and no `://` is an email address. */
  readonly subject: string | Buffer | readonly string[];
  readonly validity: Validity;
  /** Where the certificate is put before it is issued. */
  readonly log?: CertificateLog | undefined;
  /** The issuer as certificates had it at first, and not as they have it now besides. */
  readonly isOldStyle?: boolean;
  readonly purpose?: 'codeSigning' | 'serverAuth';
}

/** A log of certificates. */
export class CertificateLog {
  readonly #keys: KeyPair = newKeys();

  get publicKey(): KeyObject {
    return this.#keys.publicKey;
  }

  /** The list of one promise to log the certificate with this body (RFC 6962). */
  timestamps(body: Buffer, issuerKey: KeyObject, at: Date): Buffer {
    const when = Buffer.alloc(8);
    when.writeBigUInt64BE(BigInt(at.getTime()));
    const length = Buffer.alloc(3);
    length.writeUIntBE(body.length, 0, 3);
    const none = Buffer.from([0, 0]);
    const promised = [
      Buffer.from([0, 0]),
      when,
      Buffer.from([0, 1]),
      sha256(spki(issuerKey)),
      length,
      body,
      none,
    ];
    const signature = sign('sha256', Buffer.concat(promised), this.#keys.privateKey);
    const id = sha256(spki(this.publicKey));
    const algorithm = Buffer.from([4, 3]); // SHA-256, ECDSA
    const stamp = Buffer.concat([Buffer.from([0]), id, when, none, algorithm, counted(signature)]);
    return counted(counted(stamp));
  }
}

function counted(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function generalName(subject: string | Buffer): Buffer {
  const bytes = Buffer.from(subject);
  const isEmail = bytes.includes('@') && !bytes.includes('://');
  return element(isEmail ? EMAIL : URI, bytes);
}
