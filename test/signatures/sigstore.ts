// All that a signer without a key needs, for one test: an authority, its log of certificates, a log of signatures and a
// server of timestamps, and the file that has a verifier trust them.
import { sign } from 'node:crypto';
import { preAuthEncoding } from './attachments.ts';
import {
  Authority,
  CertificateLog,
  type Certified,
  type SignerDraft,
  sha256,
  spki,
  type Validity,
} from './authority.ts';
import { TimestampServer } from './timestamp-server.ts';
import { type LogEntry, TransparencyLog } from './transparency-log.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

/** A time in the middle of what the authorities are valid for; certificates of that minute have long expired. */
export const SIGNED_AT: Date = new Date('2025-06-01T12:00:00Z');

export interface SigstoreOptions {
  /** Which logs there are. Default: all, and the one of signatures tells the time. */
  readonly hasTransparencyLog?: boolean;
  readonly isLogDated?: boolean;
  readonly hasCertificateLog?: boolean;
}

/** Who signs, when, and what proves that. */
export interface KeylessOptions extends Partial<SignerDraft> {
  readonly at?: Date;
  /** Default: an entry in the log where there is one, else a timestamp. */
  readonly proofs?: readonly ('log entry' | 'timestamp')[];
}

export interface KeylessSignature {
  readonly certificate: Buffer;
  readonly signature: Buffer;
  readonly entries: readonly LogEntry[];
  readonly timestamps: readonly Buffer[];
}

export class TestSigstore {
  readonly #validity: Validity = {
    from: new Date(SIGNED_AT.getTime() - YEAR_MS),
    to: new Date(SIGNED_AT.getTime() + 5 * YEAR_MS),
  };
  readonly #authority: Authority = new Authority('signers', this.#validity);
  readonly #certificates: CertificateLog | undefined;
  readonly #log: TransparencyLog | undefined;
  readonly #timestamps: TimestampServer = new TimestampServer(this.#validity);

  constructor(options: SigstoreOptions = {}) {
    const { hasTransparencyLog = true, isLogDated = true, hasCertificateLog = true } = options;
    this.#log = hasTransparencyLog ? new TransparencyLog(isLogDated) : undefined;
    this.#certificates = hasCertificateLog ? new CertificateLog() : undefined;
  }

  /** The file for `--sigstore-trusted-root`. */
  makeTrustedRoot(): string {
    const validFor = { start: this.#validity.from.toISOString() };
    const log = (baseUrl: string, { publicKey }: Pick<CertificateLog, 'publicKey'>): object => ({
      baseUrl,
      hashAlgorithm: 'SHA2_256',
      publicKey: {
        rawBytes: spki(publicKey).toString('base64'),
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor,
      },
      logId: { keyId: sha256(spki(publicKey)).toString('base64') },
    });
    const authority = (uri: string, chain: readonly Buffer[]): object => ({
      subject: { organization: 'sigstore.test', commonName: 'sigstore.test' },
      uri,
      certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString('base64') })) },
      validFor,
    });
    return JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: this.#log === undefined ? [] : [log(this.#log.url, this.#log)],
      ctlogs: this.#certificates === undefined ? [] : [log('https://ct.sigstore.test', this.#certificates)],
      certificateAuthorities: [authority('https://ca.sigstore.test', [this.#authority.der])],
      timestampAuthorities: [authority('https://time.sigstore.test', this.#timestamps.chain)],
    });
  }

  /** Signs bytes as in a bundle with an envelope of this type. */
  signEnvelope(payloadType: string, payload: Buffer, options: KeylessOptions = {}): KeylessSignature {
    const signer = this.#certify(options);
    const signature = sign('sha256', preAuthEncoding(payloadType, payload), signer.privateKey);
    const entry =
      this.#log?.isDated === false
        ? undatedEntry(preAuthEncoding(payloadType, payload), signature, signer.der)
        : datedEntry(payloadType, payload, signature, signer.der);
    return this.#prove(signer, signature, entry, options);
  }

  /** Signs bare bytes. */
  signBytes(bytes: Buffer, options: KeylessOptions = {}): KeylessSignature {
    const signer = this.#certify(options);
    const signature = sign('sha256', bytes, signer.privateKey);
    const spec = {
      data: { hash: { algorithm: 'sha256', value: sha256(bytes).toString('hex') } },
      signature: {
        content: signature.toString('base64'),
        publicKey: { content: pemOf(signer.der).toString('base64') },
      },
    };
    return this.#prove(signer, signature, { apiVersion: '0.0.1', kind: 'hashedrekord', spec }, options);
  }

  #certify({ at = SIGNED_AT, ...draft }: KeylessOptions): Certified {
    return this.#authority.issueSigner({
      issuer: 'https://tokens.test',
      subject: 'https://git.test/team/web/.ci/release.yml@refs/heads/main',
      validity: { from: new Date(at.getTime() - MINUTE_MS), to: new Date(at.getTime() + 9 * MINUTE_MS) },
      log: this.#certificates,
      ...draft,
    });
  }

  #prove(
    signer: Certified,
    signature: Buffer,
    body: EntryBody,
    { at = SIGNED_AT, proofs = [this.#log === undefined ? 'timestamp' : 'log entry'] }: KeylessOptions,
  ): KeylessSignature {
    return {
      certificate: signer.der,
      signature,
      entries: proofs.includes('log entry') && this.#log !== undefined ? [this.#log.enter(body, at)] : [],
      timestamps: proofs.includes('timestamp') ? [this.#timestamps.stamp(signature, at)] : [],
    };
  }
}

type EntryBody = Parameters<TransparencyLog['enter']>[0];

function datedEntry(payloadType: string, payload: Buffer, signature: Buffer, certificate: Buffer): EntryBody {
  const hash = (bytes: Buffer): object => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  const verifier = pemOf(certificate).toString('base64');
  const spec = {
    envelopeHash: hash(envelope(payloadType, payload, signature)),
    payloadHash: hash(payload),
    signatures: [{ signature: signature.toString('base64'), verifier }],
  };
  return { apiVersion: '0.0.1', kind: 'dsse', spec };
}

/** Logs without times have one kind of entry, for whatever bytes were signed. */
function undatedEntry(signed: Buffer, signature: Buffer, certificate: Buffer): EntryBody {
  const verifier = {
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    x509Certificate: { rawBytes: certificate.toString('base64') },
  };
  const hashedRekordV002 = {
    data: { algorithm: 'SHA2_256', digest: sha256(signed).toString('base64') },
    signature: { content: signature.toString('base64'), verifier },
  };
  return { apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002 } };
}

/** As logs hash it. */
function envelope(payloadType: string, payload: Buffer, signature: Buffer): Buffer {
  return Buffer.from(
    JSON.stringify({
      payload: payload.toString('base64'),
      payloadType,
      signatures: [{ sig: signature.toString('base64') }],
    }),
  );
}

export function pemOf(der: Buffer): Buffer {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return Buffer.from(['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'));
}
