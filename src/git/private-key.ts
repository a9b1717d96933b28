// Private keys of tenants. How long it takes to open an encrypted key is written in the key itself, so this runs in a
// worker that can be stopped. Nothing of a key or a passphrase is in a message.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';

export interface KeyQuestion {
  readonly type: 'key';
  readonly privateKey: string;
  readonly passphrase?: string;
}

export type KeyAnswer =
  /** Without a passphrase, in a form that ssh2 reads. */
  { readonly privateKey: string } | { readonly problem: string };

const MAX_KEY_LENGTH = 64 * 1024;
const PEM_KINDS = /^-----BEGIN (?:RSA |EC |ENCRYPTED |OPENSSH )?PRIVATE KEY-----/;
const ED25519_SEED_BYTES = 32;

export function openPrivateKey({ privateKey, passphrase }: KeyQuestion): KeyAnswer {
  const text = privateKey.trim().replace(/\r\n/g, '\n');
  if (text.length > MAX_KEY_LENGTH || !PEM_KINDS.test(text)) {
    return { problem: 'the private key is neither OpenSSH’s nor PEM' };
  }
  try {
    return text.startsWith('-----BEGIN OPENSSH') ? openSshKey(text, passphrase) : pemKey(text, passphrase);
  } catch {
    return {
      problem: `the private key can’t be opened${passphrase === undefined ? '; is it encrypted?' : ' with the passphrase'}`,
    };
  }
}

function openSshKey(text: string, passphrase: string | undefined): KeyAnswer {
  const parsed = ssh2.utils.parseKey(`${text}\n`, passphrase);
  if (parsed instanceof Error) throw parsed;
  const key: ParsedKey | undefined = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return { problem: 'the private key file holds no key' };
  return sshForm(createPrivateKey(key.getPrivatePEM()));
}

function pemKey(text: string, passphrase: string | undefined): KeyAnswer {
  return sshForm(createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) }));
}

function sshForm(key: KeyObject): KeyAnswer {
  if (key.asymmetricKeyType === 'ed25519') return { privateKey: openSshEd25519(key) };
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec') {
    return { problem: 'the private key is none of ed25519, ecdsa and rsa' };
  }
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
  const privateKey = key.export({ format: 'pem', type }).toString();
  if (!(ssh2.utils.parseKey(privateKey) instanceof Error)) return { privateKey };
  return { problem: 'the private key is on a curve that ssh does not know: use nistp256, 384 or 521' };
}

/** ssh2 reads ed25519 keys in OpenSSH's own format only. */
function openSshEd25519(key: KeyObject): string {
  const jwk = key.export({ format: 'jwk' });
  const [seed, open] = [Buffer.from(jwk.d ?? '', 'base64url'), Buffer.from(jwk.x ?? '', 'base64url')];
  if (seed.length !== ED25519_SEED_BYTES) throw new Error('the key has no seed');
  const kind = field('ssh-ed25519');
  const check = Buffer.from('pequodpq');
  const secret = Buffer.concat([
    check.subarray(0, 4),
    check.subarray(0, 4),
    kind,
    field(open),
    field(Buffer.concat([seed, open])),
    field(''),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[field('none'), field('none'), field(''), count],
    field(Buffer.concat([kind, field(open)])),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').replace(/(.{70})/g, '$1\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function field(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
