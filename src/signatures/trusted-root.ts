// Whom signers without a key are vouched for by. An operator says it in a file of sigstore's own format; nothing is
// trusted by default, and nothing is fetched.
import { X509Certificate } from 'node:crypto';
import { TrustedRoot as TrustedRootMessage } from '@sigstore/protobuf-specs';
import { type SignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { messageOf, SourceError } from '../errors.ts';
import { isJsonObject } from '../json/index.ts';

const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]);

const NOTHING: TrustedRootMessage = {
  mediaType: '',
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
};

type Authority = TrustedRootMessage['certificateAuthorities'][number];
type Log = TrustedRootMessage['tlogs'][number];

/** What a file lists is asked for: an entry in a log where it has logs, and the certificate's own where it has those. */
export class TrustedRoot {
  readonly #verifier: Verifier;

  /** @throws SourceError `SOURCE_INVALID` that names the place in the file. */
  constructor(text: string) {
    const root = readRoot(text);
    this.#verifier = new Verifier(toTrustMaterial(root), {
      tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
      ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
      timestampThreshold: 1,
    });
  }

  /**
   * That the certificate was valid at a time that a log or a timestamp proves, that it leads to an authority, and that
   * the signature is its key's. Who it names is not looked at.
   * @throws VerificationError and whatever else comes of reading foreign bytes
   */
  check(entity: SignedEntity): void {
    this.#verifier.verify(entity);
  }
}

function readRoot(text: string): TrustedRootMessage {
  const problem = (what: string, cause?: unknown): SourceError =>
    new SourceError('SOURCE_INVALID', `trusted root: ${what}`, { cause });
  let root: TrustedRootMessage;
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) throw new Error('it is no JSON object');
    root = TrustedRootMessage.fromJSON(value);
  } catch (error) {
    throw problem(messageOf(error, 120), error);
  }
  if (!MEDIA_TYPES.has(root.mediaType)) throw problem(`its mediaType is ${JSON.stringify(root.mediaType)}`);
  if (root.certificateAuthorities.length === 0) throw problem('it has no certificateAuthorities');
  if (root.tlogs.length === 0 && root.timestampAuthorities.length === 0) {
    throw problem(
      'it has neither tlogs nor timestampAuthorities: nothing would prove when a signature was made',
    );
  }
  const places: readonly (readonly [string, () => void])[] = [
    ...root.certificateAuthorities.map(authorityCheck('certificateAuthorities')),
    ...root.timestampAuthorities.map(authorityCheck('timestampAuthorities')),
    ...root.tlogs.map(logCheck('tlogs')),
    ...root.ctlogs.map(logCheck('ctlogs')),
  ];
  for (const [place, check] of places) {
    try {
      check();
    } catch (error) {
      throw problem(`${place}: ${messageOf(error, 120)}`, error);
    }
  }
  return root;
}

function authorityCheck(list: string): (authority: Authority, index: number) => [string, () => void] {
  return ({ certChain }, index) => [
    `${list}[${index}]`,
    (): void => {
      const certificates = certChain?.certificates ?? [];
      if (certificates.length === 0) throw new Error('it has no certificates');
      for (const { rawBytes } of certificates) new X509Certificate(rawBytes);
    },
  ];
}

function logCheck(list: 'ctlogs' | 'tlogs'): (log: Log, index: number) => [string, () => void] {
  return (log, index) => [
    `${list}[${index}]`,
    (): void => {
      const { publicKey, logId, checkpointKeyId } = log;
      if (publicKey?.rawBytes === undefined) throw new Error('it has no publicKey.rawBytes');
      if (logId === undefined && checkpointKeyId === undefined) throw new Error('it has no logId');
      toTrustMaterial({ ...NOTHING, [list]: [log] });
    },
  ];
}
