import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { cosignSample, MemoryRegistry } from '../../test/signatures/index.ts';
import { generateSigningKey, readSigningKey, type SigningKey } from './private-key.ts';
import { signDigest } from './sign.ts';
import { SignatureVerifier, type Verified } from './verifier.ts';

const REFERENCE = { host: 'registry.test', repository: 'team/web', tag: 'v1' };
const MANIFEST = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}';
const NOW = new Date('2026-01-02T03:04:05.678Z');
const { signal } = new AbortController();

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function verify(registry: MemoryRegistry, digest: string, { publicPem }: SigningKey): Promise<Verified> {
  const policy = { keys: [{ name: 'team.pub', pem: publicPem }] };
  return new SignatureVerifier({ registry }).verify(
    { reference: REFERENCE, digest, access: {} },
    policy,
    signal,
  );
}

/** Only what is listed as being about the digest, or only what is under its tag. */
function withoutTags({ manifests, blobs }: MemoryRegistry): MemoryRegistry {
  const registry = new MemoryRegistry();
  for (const [digest, text] of manifests) registry.manifests.set(digest, text);
  for (const [digest, bytes] of blobs) registry.blobs.set(digest, bytes);
  return registry;
}

test.each([
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['Ed25519', generateKeyPairSync('ed25519')],
])('what %s signs is verified, as a bundle and under the tag', async (_name, { privateKey }) => {
  const registry = new MemoryRegistry();
  const digest = registry.putManifest(MANIFEST);
  const key = readSigningKey(pkcs8(privateKey));
  await signDigest(
    registry,
    { reference: REFERENCE, digest, access: {} },
    key,
    { isClassic: true, now: NOW },
    signal,
  );
  await expect(verify(withoutTags(registry), digest, key)).resolves.toEqual({ signer: 'key team.pub' });
  registry.referrers = async (): Promise<readonly []> => [];
  await expect(verify(registry, digest, key)).resolves.toEqual({ signer: 'key team.pub' });
});

test('a bundle is what is written unless more is asked for', async () => {
  const registry = new MemoryRegistry();
  const digest = registry.putManifest(MANIFEST);
  const key = readSigningKey(generateSigningKey().key);
  await signDigest(registry, { reference: REFERENCE, digest, access: {} }, key, { now: NOW }, signal);
  expect([...registry.tags]).toEqual([]);
  expect(registry.manifests).toHaveLength(2);
});

test('the manifest around a bundle is the one that cosign writes', async () => {
  const registry = new MemoryRegistry();
  const digest = registry.putManifest(MANIFEST);
  const key = readSigningKey(generateSigningKey().key);
  await signDigest(registry, { reference: REFERENCE, digest, access: {} }, key, { now: NOW }, signal);
  const ours = JSON.parse([...registry.manifests.values()].at(-1) ?? '');
  const sample = cosignSample('v3-bundle-p256');
  const theirs = [...sample.registry.manifests.values()]
    .map((text) => JSON.parse(text))
    .find((each) => each.subject);
  expect(ours.annotations['org.opencontainers.image.created']).toBe('2026-01-02T03:04:05Z');
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  expect(Object.keys(ours.annotations).sort()).toEqual(Object.keys(theirs.annotations).sort());
  expect(ours.artifactType).toBe(theirs.artifactType);
  expect(ours.layers[0].mediaType).toBe(theirs.layers[0].mediaType);
  expect(ours.subject).toEqual({ ...theirs.subject, digest, size: MANIFEST.length });
});

test('signatures under the tag that others made stay', async () => {
  const { registry, digest, publicKey } = cosignSample('v2-simple-p256');
  registry.manifests.set(digest, MANIFEST);
  const key = readSigningKey(generateSigningKey().key);
  await signDigest(
    registry,
    { reference: REFERENCE, digest, access: {} },
    key,
    { isClassic: true, now: NOW },
    signal,
  );
  await expect(verify(registry, digest, key)).resolves.toEqual({ signer: 'key team.pub' });
  await expect(verify(registry, digest, { ...key, publicPem: publicKey })).resolves.toEqual({
    signer: 'key team.pub',
  });
});

test('an encrypted key is read with its passphrase', () => {
  const { key, publicKey } = generateSigningKey('open sesame');
  expect(key).toContain('ENCRYPTED PRIVATE KEY');
  expect(readSigningKey(key, 'open sesame').publicPem).toBe(publicKey);
});

const { key: encrypted } = generateSigningKey('open sesame');
const { key: plain, publicKey: publicPem } = generateSigningKey();
const weak = pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);

test.each([
  ['no passphrase', encrypted, undefined, 'it is encrypted, and there is no passphrase'],
  ['another passphrase', encrypted, 'swordfish', 'the passphrase does not fit'],
  ['a public key', publicPem, undefined, 'it is a PUBLIC KEY, not a private key'],
  ['a key cut off', plain.slice(0, 80), undefined, "it can't be read"],
  ['a weak key', weak, undefined, 'RSA 1024 keys are not verified by anybody'],
  ['nothing', '', undefined, 'it is no PEM'],
  [
    "cosign's own encryption",
    '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
    'x',
    "it is encrypted in cosign's own format",
  ],
])('%s is refused, and nothing of the key is told', (_what, pem, passphrase, message) => {
  let told = '';
  try {
    readSigningKey(pem, passphrase);
  } catch (error) {
    told = JSON.stringify([String(error), error]);
  }
  expect(told).toContain(message);
  for (const line of pem.split('\n').filter((each) => each.length > 20 && !each.includes('-----'))) {
    expect(told).not.toContain(line);
  }
  if (passphrase !== undefined && passphrase.length > 1) expect(told).not.toContain(passphrase);
});

test('a new key is one for ECDSA on P-256', () => {
  expect(createPrivateKey(generateSigningKey().key).asymmetricKeyDetails).toEqual({
    namedCurve: 'prime256v1',
  });
});
