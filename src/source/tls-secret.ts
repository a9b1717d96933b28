import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CueRef } from '../api/index.ts';
import type { TlsMaterial } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { SourceContext } from './module-source.ts';
import { checkHost, namedSecret, type SecretData } from './secret-data.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Whom to trust and who we are, out of the Secret that `certSecretRef` names.
 * @throws SourceError, and what the context's reader throws
 */
export async function tlsMaterialFor(
  ref: CueRef,
  host: string,
  context: SourceContext,
  signal: AbortSignal,
): Promise<TlsMaterial | undefined> {
  const secret = await namedSecret(ref, 'certSecretRef', context, signal);
  if (secret === undefined) return undefined;
  checkHost(secret, host);
  return tlsMaterialOf(secret);
}

/** @throws SourceError `SOURCE_INVALID` where a part is missing or can't be read as PEM */
export function tlsMaterialOf(secret: SecretData): TlsMaterial {
  const ca = certificates(secret, 'ca.crt');
  const cert = certificates(secret, 'tls.crt');
  const key = privateKey(secret, 'tls.key');
  if (ca === undefined && cert === undefined && key === undefined)
    throw invalid(`${secret.title} has neither ca.crt nor tls.crt and tls.key`);
  if ((cert === undefined) !== (key === undefined))
    throw invalid(`${secret.title} has only one of tls.crt and tls.key`);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function certificates(secret: SecretData, name: string): string | undefined {
  const text = secret.text(name);
  if (text === undefined || text.trim() === '') return undefined;
  const blocks = text.match(CERTIFICATE);
  if (blocks === null) throw invalid(`${name} of ${secret.title} holds no certificate in PEM`);
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch {
      // OpenSSL's words say nothing that helps, and may quote the content.
      throw invalid(`${name} of ${secret.title} holds a certificate that can't be read`);
    }
  }
  return blocks.join('\n');
}

function privateKey(secret: SecretData, name: string): string | undefined {
  const text = secret.text(name);
  if (text === undefined || text.trim() === '') return undefined;
  try {
    createPrivateKey(text);
    return text;
  } catch {
    // As above; this one would quote a key.
    throw invalid(`${name} of ${secret.title} is no private key in PEM without a passphrase`);
  }
}

function invalid(message: string): SourceError {
  return new SourceError('SOURCE_INVALID', message);
}
