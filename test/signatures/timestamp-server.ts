// A server that says what time it is, as RFC 3161 has it.
import { sign } from 'node:crypto';
import { element, oid, sequence } from '../control-plane/der.ts';
import { Authority, type Certified, sha256, type Validity } from './authority.ts';

const OID = {
  sha256: '608648016503040201',
  ecdsaWithSha256: '2a8648ce3d040302',
  signedData: '2a864886f70d010702',
  tstInfo: '2a864886f70d0109100104',
  contentType: '2a864886f70d010903',
  messageDigest: '2a864886f70d010904',
  policy: '2a0304',
} as const;

const SHA256 = sequence(oid(OID.sha256));

export class TimestampServer {
  /** Certificates, the server's first. */
  readonly chain: readonly Buffer[];
  readonly #authority: Authority;
  readonly #signer: Certified;

  constructor(validity: Validity) {
    this.#authority = new Authority('timestamp-root', validity);
    this.#signer = this.#authority.issueTimestamper(validity);
    this.chain = [this.#signer.der, this.#authority.der];
  }

  /** That these bytes existed then. */
  stamp(bytes: Uint8Array, at: Date): Buffer {
    const info = sequence(
      integer(1),
      oid(OID.policy),
      sequence(SHA256, element(0x04, sha256(bytes))),
      integer(7),
      element(
        0x18,
        Buffer.from(
          `${at
            .toISOString()
            .replace(/\.\d+Z$/, '')
            .replace(/[-:T]/g, '')}Z`,
        ),
      ),
    );
    const attributes = [
      sequence(oid(OID.contentType), element(0x31, oid(OID.tstInfo))),
      sequence(oid(OID.messageDigest), element(0x31, element(0x04, sha256(info)))),
    ];
    const signed = element(0x31, Buffer.concat(attributes));
    const signerInfo = sequence(
      integer(1),
      sequence(this.#authority.name, serialOf(this.#signer.der)),
      SHA256,
      element(0xa0, Buffer.concat(attributes)),
      sequence(oid(OID.ecdsaWithSha256)),
      element(0x04, sign('sha256', signed, this.#signer.privateKey)),
    );
    const content = sequence(
      integer(3),
      element(0x31, SHA256),
      sequence(oid(OID.tstInfo), element(0xa0, element(0x04, info))),
      element(0x31, signerInfo),
    );
    return sequence(sequence(integer(0)), sequence(oid(OID.signedData), element(0xa0, content)));
  }
}

/** The serial number of a certificate, as it is encoded there: after the version, which takes five bytes. */
function serialOf(der: Buffer): Buffer {
  const at = der.indexOf(Buffer.from([0xa0, 0x03, 0x02, 0x01, 0x02])) + 5;
  return der.subarray(at, at + 2 + (der[at + 1] ?? 0));
}

function integer(value: number): Buffer {
  return element(0x02, Buffer.from([value]));
}
