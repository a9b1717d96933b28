// What the network says, in words. The texts of its errors are not repeated: they may quote what was sent.
import { EgressError } from './rules.ts';

/**
 * - `connection`: none came up, or it broke. - `silence`: no answer, or not all of it, in time.
 * - `certificate`: the server's is not taken. - `material`: what we hold for TLS is not taken, by us or the server.
 * - `protocol`: the answer is not what was expected. - `egress`: a rule, a name or a proxy stood in the way.
 */
export type TroubleKind = 'certificate' | 'connection' | 'egress' | 'material' | 'protocol' | 'silence';

export interface Trouble {
  readonly kind: TroubleKind;
  /** Goes on where a sentence begins with the host: `registry.example refuses connections`. */
  readonly words: string;
}

const UNKNOWN_AUTHORITY =
  'has a certificate of an authority that is not trusted here; its ca.crt can be given: a Transform has certSecretRef for it, a command --ca-file';
const KNOWN: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: { kind: 'connection', words: 'refuses connections' },
  ECONNRESET: { kind: 'connection', words: 'cut the connection' },
  EPIPE: { kind: 'connection', words: 'cut the connection' },
  UND_ERR_SOCKET: { kind: 'connection', words: 'cut the connection' },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { kind: 'connection', words: 'sent less than it announced' },
  EHOSTUNREACH: { kind: 'connection', words: "can't be reached" },
  ENETUNREACH: { kind: 'connection', words: "can't be reached" },
  EADDRNOTAVAIL: { kind: 'connection', words: "can't be reached" },
  ETIMEDOUT: { kind: 'silence', words: 'does not answer' },
  UND_ERR_CONNECT_TIMEOUT: { kind: 'silence', words: 'does not answer' },
  UND_ERR_HEADERS_TIMEOUT: { kind: 'silence', words: 'does not answer' },
  UND_ERR_BODY_TIMEOUT: { kind: 'silence', words: 'stopped in the middle of its answer' },
  UND_ERR_HEADERS_OVERFLOW: { kind: 'protocol', words: 'answers with too many headers' },
  CERT_HAS_EXPIRED: { kind: 'certificate', words: 'has a certificate that has expired' },
  CERT_NOT_YET_VALID: { kind: 'certificate', words: 'has a certificate that is not valid yet' },
  CERT_REVOKED: { kind: 'certificate', words: 'has a certificate that was revoked' },
  ERR_TLS_CERT_ALTNAME_INVALID: { kind: 'certificate', words: 'has a certificate for another name' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { kind: 'certificate', words: UNKNOWN_AUTHORITY },
  SELF_SIGNED_CERT_IN_CHAIN: { kind: 'certificate', words: UNKNOWN_AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT: { kind: 'certificate', words: UNKNOWN_AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { kind: 'certificate', words: UNKNOWN_AUTHORITY },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { kind: 'certificate', words: UNKNOWN_AUTHORITY },
  EPROTO: { kind: 'protocol', words: "can't agree on TLS with us" },
  ERR_SSL_WRONG_VERSION_NUMBER: { kind: 'protocol', words: 'does not speak TLS' },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { kind: 'protocol', words: 'does not speak TLS' },
  ERR_SSL_HTTP_REQUEST: { kind: 'protocol', words: 'does not speak TLS' },
};

const OTHER: Trouble = { kind: 'connection', words: "can't be asked" };

/** Says what went wrong with a connection or a request. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof EgressError) {
    const isSilence = error.code === 'EGRESS_TIMEOUT';
    return { kind: isSilence ? 'silence' : 'egress', words: error.message };
  }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { kind: 'silence', words: 'does not answer' };
  // The parser's errors have no code of their own.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { kind: 'protocol', words: 'does not answer with HTTP' };
  for (const code of codesOf(error)) {
    const known = KNOWN[code] ?? familyOf(code);
    if (known !== undefined) return known;
  }
  return OTHER;
}

function familyOf(code: string): Trouble | undefined {
  if (/^ERR_SSL_.*(ALERT|CERTIFICATE)/.test(code))
    return {
      kind: 'material',
      words:
        'breaks TLS off; it may want a certificate, or another one: tls.crt and tls.key in certSecretRef',
    };
  if (code.startsWith('ERR_OSSL_'))
    return { kind: 'material', words: "can't be asked: ca.crt, tls.crt or tls.key can't be read" };
  return code.startsWith('ERR_SSL_') ? { kind: 'protocol', words: "can't agree on TLS with us" } : undefined;
}

/** Of an error, of what it wraps, and of the tries that it stands for. */
function codesOf(error: unknown, depth: number = 0): readonly string[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const tries = error instanceof AggregateError ? error.errors : [];
  return [...own, ...[error.cause, ...tries].flatMap((inner: unknown) => codesOf(inner, depth + 1))];
}
