// Whoever can write to a repository can attach anything to a digest. None of it may count, and a registry that is in
// trouble must not look like one that has no signature.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  attachBundle,
  attachSimple,
  bundle,
  MemoryRegistry,
  messageBundle,
  preAuthEncoding,
  STATEMENT,
  simplePayload,
  statement,
} from '../../test/signatures/index.ts';
import { SourceError, type SourceErrorCode } from '../errors.ts';
import type { VerificationPolicy } from './policy.ts';
import { SignatureVerifier, type Verified } from './verifier.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;
const OTHER = `sha256:${'e'.repeat(64)}`;
const SIGNATURE = 'dev.cosignproject.cosign/signature';
const { signal } = new AbortController();
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function verify(
  registry: MemoryRegistry,
  policy: VerificationPolicy = { keys: [{ name: 'team.pub', pem: pemOf(keys.publicKey) }] },
  digests: { readonly digest: string; readonly rootDigest?: string } = { digest: DIGEST },
): Promise<Verified> {
  const reference = { host: 'registry.test', repository: 'team/web' };
  return new SignatureVerifier({ registry }).verify({ reference, ...digests, access: {} }, policy, signal);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** A bundle by a key, whatever it says. */
function signed(payload: Buffer, by: KeyObject = keys.privateKey, type: string = STATEMENT): object {
  return bundle(payload, sign('sha256', preAuthEncoding(type, payload), by), undefined, type);
}

function simple(
  payload: Buffer,
  by: KeyObject = keys.privateKey,
): Parameters<typeof attachSimple>[2][number] {
  const signature = sign('sha256', payload, by).toString('base64');
  return { payload, annotations: { [SIGNATURE]: signature } };
}

const unverified = (text: string): object => ({
  code: 'SOURCE_UNVERIFIED',
  message: expect.stringContaining(text),
});

test('nothing attached is not verified', async () => {
  await expect(verify(new MemoryRegistry())).rejects.toMatchObject(
    unverified(`oci://registry.test/team/web@${DIGEST} has no signature; by key team.pub is asked for`),
  );
});

test('one good signature among others is enough, and ends the search', async () => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, signed(statement(DIGEST), stranger.privateKey));
  attachBundle(registry, DIGEST, signed(statement(DIGEST)));
  attachBundle(registry, DIGEST, signed(statement(DIGEST, { subject: [] })));
  await expect(verify(registry)).resolves.toEqual({ signer: 'key team.pub' });
  expect(registry.calls.filter((call) => call.startsWith('blob'))).toHaveLength(2);
  expect(registry.calls.some((call) => call.endsWith('.sig'))).toBe(false);
});

test('the signer is the key that verifies it, and any of the keys will do', async () => {
  const registry = new MemoryRegistry();
  attachSimple(registry, DIGEST, [simple(simplePayload(DIGEST))]);
  const policy = {
    keys: [
      { name: 'other.pub', pem: pemOf(stranger.publicKey) },
      { name: 'team.pub', pem: pemOf(keys.publicKey) },
    ],
  };
  await expect(verify(registry, policy)).resolves.toEqual({ signer: 'key team.pub' });
});

test('a signature of the index that led to a manifest counts, and one of the manifest, too', async () => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, signed(statement(DIGEST)));
  for (const digests of [
    { digest: OTHER, rootDigest: DIGEST },
    { digest: DIGEST, rootDigest: OTHER },
  ]) {
    await expect(verify(registry, undefined, digests)).resolves.toEqual({ signer: 'key team.pub' });
  }
});

test('a signature of the bare manifest is verified, and only of that manifest', async () => {
  const registry = new MemoryRegistry();
  const manifest = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json' });
  const digest = registry.putManifest(manifest);
  const signature = sign('sha256', Buffer.from(manifest), keys.privateKey);
  attachBundle(registry, digest, messageBundle(digest, signature));
  await expect(verify(registry, undefined, { digest })).resolves.toEqual({ signer: 'key team.pub' });
  attachBundle(registry, DIGEST, messageBundle(digest, signature));
  await expect(verify(registry)).rejects.toMatchObject(unverified('it signs another digest'));
});

test.each([
  ['by another key', signed(statement(DIGEST), stranger.privateKey), 'no key verifies it'],
  ['of another digest', signed(statement(OTHER)), `it signs another digest ("${OTHER.slice(7)}")`],
  ['of no digest', signed(statement(DIGEST, { subject: 'all' })), 'it signs another digest (none)'],
  [
    'of the digest by another hash',
    signed(statement(DIGEST, { subject: [{ digest: { sha512: DIGEST.slice(7) } }] })),
    'it signs another digest',
  ],
  [
    'that is an attestation',
    signed(statement(DIGEST, { predicateType: 'https://slsa.dev/provenance/v1' })),
    'it is an attestation ("https://slsa.dev/provenance/v1"), not a signature',
  ],
  [
    'of something that is no statement',
    signed(statement(DIGEST, { _type: 'x' })),
    'not an in-toto statement',
  ],
  ['of another type of payload', signed(statement(DIGEST), keys.privateKey, 'text/plain'), '"text/plain"'],
  ['of bytes that are no JSON', signed(Buffer.from([0xff, 0xfe])), 'its payload is no JSON'],
  ['that is cut off', JSON.stringify(signed(statement(DIGEST))).slice(0, 200), 'no sigstore bundle'],
  ['that is a list', '[]', 'no sigstore bundle: mediaType'],
  ['of a version to come', { ...signed(statement(DIGEST)), mediaType: bundleType('v0.9') }, 'not known'],
  ['without its signature', { ...signed(statement(DIGEST)), dsseEnvelope: {} }, 'no sigstore bundle'],
  ['that is larger than any', Buffer.alloc(256 * 1024 + 1), 'it is larger than 256 KiB'],
])('a bundle %s is not verified', async (_what, content, reason) => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, content);
  await expect(verify(registry)).rejects.toMatchObject(unverified(`1 signature found, none by key team.pub`));
  await expect(verify(registry)).rejects.toMatchObject(unverified(reason));
});

function bundleType(version: string): string {
  return `application/vnd.dev.sigstore.bundle.${version}+json`;
}

test.each([
  ['by another key', [simple(simplePayload(DIGEST), stranger.privateKey)], 'no key verifies it'],
  ['of another digest', [simple(simplePayload(OTHER))], `it signs another digest ("${OTHER}")`],
  ['of another type', [simple(simplePayload(DIGEST, 'atomic'))], '"atomic", not a signature by cosign'],
  ['of a list', [simple(Buffer.from('[]'))], 'no critical'],
  [
    'without an annotation',
    [{ payload: simplePayload(DIGEST), annotations: {} }],
    `no annotation ${SIGNATURE}`,
  ],
])("a signature in cosign's first format %s is not verified", async (_what, signatures, reason) => {
  const registry = new MemoryRegistry();
  attachSimple(registry, DIGEST, signatures);
  await expect(verify(registry)).rejects.toMatchObject(unverified(reason));
});

test('a payload that was changed after it was signed is not verified', async () => {
  const registry = new MemoryRegistry();
  const { annotations } = simple(simplePayload(OTHER));
  attachSimple(registry, DIGEST, [{ payload: simplePayload(DIGEST), annotations }]);
  await expect(verify(registry)).rejects.toMatchObject(unverified('no key verifies it'));
});

test('bytes that are not those of their digest are not verified', async () => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, signed(statement(DIGEST), stranger.privateKey));
  for (const digest of registry.blobs.keys()) {
    registry.blobs.set(digest, Buffer.from(JSON.stringify(signed(statement(DIGEST)))));
  }
  await expect(verify(registry)).rejects.toMatchObject(unverified('is another'));
});

test('a list that names what is about another digest leads nowhere', async () => {
  const registry = new MemoryRegistry();
  const digest = attachBundle(registry, OTHER, signed(statement(OTHER)));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  registry.listed.push(
    { mediaType, digest, size: 1, artifactType: bundleType('v0.3'), annotations: {}, hasPlatform: false },
    { mediaType, digest: `sha256:${'0'.repeat(64)}`, size: 1, annotations: {}, hasPlatform: false },
  );
  await expect(verify(registry)).rejects.toMatchObject(unverified(`it is about another digest ("${OTHER}")`));
});

test('what is of another type is not taken for a signature, whatever is in it', async () => {
  const registry = new MemoryRegistry();
  const content = signed(statement(DIGEST));
  attachBundle(registry, DIGEST, content, { artifactType: 'application/spdx+json' });
  attachBundle(registry, DIGEST, content, { layerType: 'application/json' });
  attachBundle(registry, DIGEST, content, { layerType: `${bundleType('v0.3')};x` });
  await expect(verify(registry)).rejects.toMatchObject(unverified('it holds no signature'));
  expect(registry.calls.filter((call) => call.startsWith('blob'))).toEqual([]);
});

test('of a thousand signatures fifty are looked at, the newest first', async () => {
  const registry = new MemoryRegistry();
  const bad = Array.from({ length: 1000 }, (_, index) => simple(Buffer.from(`[${index}]`)));
  attachSimple(registry, DIGEST, [simple(simplePayload(DIGEST)), ...bad]);
  await expect(verify(registry)).rejects.toMatchObject(
    unverified('50 signatures found, none by key team.pub'),
  );
  await expect(verify(registry)).rejects.toMatchObject(
    unverified('and 47 more; 951 more were not looked at'),
  );
  expect(registry.calls.filter((call) => call.startsWith('blob'))).toHaveLength(100);
  attachSimple(registry, DIGEST, [...bad, simple(simplePayload(DIGEST))]);
  await expect(verify(registry)).resolves.toEqual({ signer: 'key team.pub' });
});

test.each<[SourceErrorCode]>([['SOURCE_UNAVAILABLE'], ['SOURCE_AUTH'], ['SOURCE_REFUSED']])(
  '%s while looking is reported as what it is, unless a signature is found elsewhere',
  async (code) => {
    const registry = new MemoryRegistry();
    registry.failure = (operation): SourceError | undefined =>
      operation === 'referrers' ? new SourceError(code, 'HTTP 503') : undefined;
    await expect(verify(registry)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('its signature could not be looked for: HTTP 503'),
    });
    attachSimple(registry, DIGEST, [simple(simplePayload(DIGEST), stranger.privateKey)]);
    await expect(verify(registry)).rejects.toMatchObject({ code });
    attachSimple(registry, DIGEST, [simple(simplePayload(DIGEST))]);
    await expect(verify(registry)).resolves.toEqual({ signer: 'key team.pub' });
  },
);

test('a bundle that can not be fetched now is trouble, one that is gone is not', async () => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, signed(statement(DIGEST)));
  registry.failure = (operation): SourceError | undefined =>
    operation === 'blob' ? new SourceError('SOURCE_UNAVAILABLE', 'HTTP 503') : undefined;
  await expect(verify(registry)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  registry.failure = undefined;
  registry.blobs.clear();
  await expect(verify(registry)).rejects.toMatchObject(unverified('no blob'));
});

test('what is no error of a source ends the search', async () => {
  const registry = new MemoryRegistry();
  const bug = new TypeError('a bug');
  registry.failure = (): never => {
    throw bug;
  };
  await expect(verify(registry)).rejects.toBe(bug);
});

test.each([
  ['no keys', { keys: [] }, 'verify names no key: nobody could have signed it'],
  ['no identities', { identities: [] }, 'verify names no identity'],
  [
    'too many',
    { identities: Array.from({ length: 21 }, () => ({ issuer: 'i', subject: 's' })) },
    'more than 20 signers',
  ],
])('a policy with %s is refused, before anything is asked', async (_what, policy, message) => {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, signed(statement(DIGEST)));
  await expect(verify(registry, policy)).rejects.toMatchObject({
    code: 'SOURCE_INVALID',
    message: expect.stringContaining(message),
  });
  expect(registry.calls).toEqual([]);
});
