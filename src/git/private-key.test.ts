import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { openPrivateKey } from './private-key.ts';

const PASSPHRASE = 'canary words';
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const locked = { ...pkcs8, cipher: 'aes-256-cbc', passphrase: PASSPHRASE };

const ed25519 = generateKeyPairSync('ed25519').privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe('a private key', () => {
  it.each([
    ['ed25519', ed25519, 'ssh-ed25519'],
    ['rsa', rsa, 'ssh-rsa'],
    ['ecdsa', ec, 'ecdsa-sha2-nistp256'],
  ] as const)('%s is opened into what ssh2 reads', (_name, key, type) => {
    const open = [
      openPrivateKey({ type: 'key', privateKey: key.export(pkcs8).toString() }),
      openPrivateKey({ type: 'key', privateKey: key.export(locked).toString(), passphrase: PASSPHRASE }),
      openPrivateKey({
        type: 'key',
        privateKey: `\n${key.export(pkcs8).toString().replaceAll('\n', '\r\n')}\n`,
      }),
    ];
    for (const answer of open) {
      const parsed = ssh2.utils.parseKey('privateKey' in answer ? answer.privateKey : '');
      if (parsed instanceof Error || Array.isArray(parsed)) throw new Error('ssh2 does not read it');
      expect(parsed.type).toBe(type);
      const signature = parsed.sign('words');
      if (signature instanceof Error) throw signature;
      expect(parsed.verify('words', signature)).toBe(true);
    }
  });

  it.each([
    ['of PuTTY', 'PuTTY-User-Key-File-2: ssh-rsa\ncanary', undefined],
    ['that is none', 'canary', undefined],
    ['of a public half', 'ssh-ed25519 AAAA canary', undefined],
    ['of huge size', `-----BEGIN PRIVATE KEY-----\n${'canary'.repeat(20_000)}`, undefined],
    ['that is torn', ed25519.export(pkcs8).toString().slice(0, 60), undefined],
    ['without its passphrase', rsa.export(locked).toString(), undefined],
    ['with another passphrase', rsa.export(locked).toString(), 'canary'],
    [
      'of a curve that ssh does not know',
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export(pkcs8).toString(),
      undefined,
    ],
    ['of a kind for agreement', generateKeyPairSync('x25519').privateKey.export(pkcs8).toString(), undefined],
  ])('%s is refused, and nothing of it is said', (_what, privateKey, passphrase) => {
    const answer = openPrivateKey({
      type: 'key',
      privateKey,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    expect(answer).toEqual({ problem: expect.stringMatching(/^the private key/) });
    expect(JSON.stringify(answer)).not.toMatch(/canary|BEGIN|[A-Za-z0-9+/]{20}/);
  });
});
