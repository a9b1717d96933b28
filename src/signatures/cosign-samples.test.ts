// What cosign wrote, byte for byte: no format is taken from its documentation alone.
import { expect, test } from 'vitest';
import { cosignSample, cosignSampleNames } from '../../test/signatures/index.ts';
import { SignatureVerifier } from './verifier.ts';

const REFERENCE = { host: 'registry.test', repository: 'team/web' };
const { signal } = new AbortController();

const signed = cosignSampleNames().filter((name) => !name.includes('attestation'));

test.each(signed)('%s is verified by the key that it was made with', async (name) => {
  const { registry, digest, publicKey } = cosignSample(name);
  const verifier = new SignatureVerifier({ registry });
  const place = { reference: REFERENCE, digest, access: {} };
  const policy = { keys: [{ name: 'team.pub', pem: publicKey }] };
  await expect(verifier.verify(place, policy, signal)).resolves.toEqual({ signer: 'key team.pub' });
});

test.each(signed)('%s is not verified by another key', async (name) => {
  const { registry, digest, publicKey } = cosignSample(name);
  const others = signed.map((each) => cosignSample(each).publicKey).filter((pem) => pem !== publicKey);
  const verifier = new SignatureVerifier({ registry });
  const place = { reference: REFERENCE, digest, access: {} };
  const policy = { keys: others.map((pem, index) => ({ name: `other-${index}.pub`, pem })) };
  await expect(verifier.verify(place, policy, signal)).rejects.toMatchObject({
    code: 'SOURCE_UNVERIFIED',
    message: expect.stringContaining('no key verifies it'),
  });
});

test.each(signed)('%s is not a signature of another digest', async (name) => {
  const { registry, digest, publicKey } = cosignSample(name);
  const other = `sha256:${'1'.repeat(64)}`;
  // Whoever writes to the repository can put it where the other digest is looked up.
  for (const [tag, at] of registry.tags) registry.tags.set(tag.replace(digest.slice(7), other.slice(7)), at);
  for (const [at, text] of registry.manifests) {
    registry.manifests.set(at, text.replace(digest, other));
  }
  const verifier = new SignatureVerifier({ registry });
  const place = { reference: REFERENCE, digest: other, access: {} };
  const policy = { keys: [{ name: 'team.pub', pem: publicKey }] };
  await expect(verifier.verify(place, policy, signal)).rejects.toMatchObject({
    code: 'SOURCE_UNVERIFIED',
    message: expect.stringContaining('it signs another digest'),
  });
});

test('an attestation by the right key is not a signature', async () => {
  const { registry, digest, publicKey } = cosignSample('v3-attestation');
  const verifier = new SignatureVerifier({ registry });
  const place = { reference: REFERENCE, digest, access: {} };
  const policy = { keys: [{ name: 'team.pub', pem: publicKey }] };
  const refused = { code: 'SOURCE_UNVERIFIED', message: expect.stringContaining('it is an attestation') };
  await expect(verifier.verify(place, policy, signal)).rejects.toMatchObject(refused);
  // The same where the list hides what it is.
  for (const [at, text] of registry.manifests) {
    registry.manifests.set(at, text.replace('"dev.sigstore.bundle.predicateType"', '"other"'));
  }
  await expect(verifier.verify(place, policy, signal)).rejects.toMatchObject(refused);
});
