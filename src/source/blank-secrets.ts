// What a server says is in some messages: a type of content, a host that it points at. A server that was shown credentials
// can say them back there, and a message is read by many who may not read the Secret. So what we showed is taken out.
import type { GitCredentials } from '../git/index.ts';
import type { RegistryCredentials } from '../registry/index.ts';

/** Shorter ones are a part of too many words. */
const MIN_SECRET_LENGTH = 4;
const BLANK = '***';

/** Takes what we show to prove who we are out of a text: as it is, percent-encoded, or in Base64, whatever its case. */
export function secretsBlanker(
  credentials: GitCredentials | RegistryCredentials | undefined,
): (text: string) => string {
  const forms = credentials === undefined ? [] : shownBy(credentials).flatMap(formsOf);
  const long = [...new Set(forms)].filter((form) => form.length >= MIN_SECRET_LENGTH);
  if (long.length === 0) return (text) => text;
  // The longest first, so that nothing of it is left where a shorter one is a part of it.
  const escaped = long
    .sort((a, b) => b.length - a.length)
    .map((form) => form.replace(/[^A-Za-z0-9]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('|'), 'gi');
  return (text) => text.replace(pattern, BLANK);
}

/** A private key and its passphrase never leave us. */
function shownBy(credentials: GitCredentials | RegistryCredentials): readonly string[] {
  if ('token' in credentials) return [credentials.token];
  if (!('password' in credentials)) return [];
  const { username, password } = credentials;
  return [password, Buffer.from(`${username}:${password}`).toString('base64')];
}

function formsOf(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')];
}
