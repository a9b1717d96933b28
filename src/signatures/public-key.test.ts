import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { isSignedBy, readPublicKey } from './public-key.ts';

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

test.each([
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'sha256'],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384'],
  ["P-384 with cosign's hash", generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha256'],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
  ['Ed25519', generateKeyPairSync('ed25519'), null],
])('%s is taken', (_name, { publicKey, privateKey }, hash) => {
  const key = readPublicKey({ name: 'team.pub', pem: pem(publicKey) });
  const bytes = Buffer.from('signed');
  const signature = sign(hash, bytes, privateKey);
  expect(isSignedBy(key, bytes, signature)).toBe(true);
  expect(isSignedBy(key, Buffer.from('other'), signature)).toBe(false);
  for (const bad of [Buffer.alloc(0), Buffer.from('nonsense'), Buffer.alloc(100_000, 0x30)]) {
    expect(isSignedBy(key, bytes, bad)).toBe(false);
  }
});

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const certificate = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';

test.each([
  [
    'P-521',
    pem(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey),
    'EC secp521r1 keys are not taken',
  ],
  ['RSA 1024', pem(weak.publicKey), 'RSA 1024 keys are not taken'],
  ['X25519', pem(generateKeyPairSync('x25519').publicKey), 'X25519 keys are not taken'],
  ['a certificate', certificate, 'it is a CERTIFICATE: expected a PUBLIC KEY'],
  ['two keys', pem(p256.publicKey) + pem(p256.publicKey), 'it holds more than one key'],
  ['nothing', '', 'it is no PEM'],
  ['something else', 'team.pub', 'it is no PEM'],
  ['a key cut off', pem(p256.publicKey).slice(0, 60), "it can't be read"],
  ['a novel', pem(p256.publicKey) + ' '.repeat(20_000), 'it is too long for a key'],
])('%s is refused', (_name, text, message) => {
  expect(() => readPublicKey({ name: 'team.pub', pem: text })).toThrow(
    expect.objectContaining({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(`key team.pub: ${message}`),
    }),
  );
});

test.each([
  ['PKCS#8', p256.privateKey.export({ type: 'pkcs8', format: 'pem' })],
  ['SEC1', p256.privateKey.export({ type: 'sec1', format: 'pem' })],
  ['encrypted', p256.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes256', passphrase: 'x' })],
  [
    "cosign's",
    '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----',
  ],
])('a private key (%s) is refused without a trace of it', (_name, exported) => {
  const text = exported.toString();
  let message = '';
  try {
    readPublicKey({ name: 'team.pub', pem: `${pem(p256.publicKey)}${text}` });
  } catch (error) {
    message = JSON.stringify([String(error), error]);
  }
  expect(message).toContain('it is a private key');
  for (const line of text.split('\n').filter((each) => each.length > 10)) {
    expect(message).not.toContain(line);
  }
});
