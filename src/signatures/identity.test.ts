// Signers without a key. Nothing public can be reached from a test: the authority, the logs and the server of timestamps
// are made for it.
import { expect, test } from 'vitest';
import {
  attachBundle,
  attachSimple,
  bundle,
  type KeylessOptions,
  keylessBundle,
  MemoryRegistry,
  messageBundle,
  pemOf,
  SIGNED_AT,
  STATEMENT,
  simplePayload,
  statement,
  TestSigstore,
} from '../../test/signatures/index.ts';
import { TrustedRoot } from './trusted-root.ts';
import { SignatureVerifier, type Verified } from './verifier.ts';

const ISSUER = 'https://tokens.test';
const SUBJECT = 'https://git.test/team/web/.ci/release.yml@refs/heads/main';
const DIGEST = `sha256:${'d'.repeat(64)}`;
const HOUR_MS = 3_600_000;
const { signal } = new AbortController();
const sigstore = new TestSigstore();

function verify(
  registry: MemoryRegistry,
  trusted: TestSigstore = sigstore,
  identities: readonly { issuer: string; subject: string }[] = [{ issuer: ISSUER, subject: SUBJECT }],
  digest: string = DIGEST,
): Promise<Verified> {
  const verifier = new SignatureVerifier({
    registry,
    trustedRoot: new TrustedRoot(trusted.makeTrustedRoot()),
  });
  const reference = { host: 'registry.test', repository: 'team/web' };
  return verifier.verify({ reference, digest, access: {} }, { identities }, signal);
}

function signed(options: KeylessOptions = {}, by: TestSigstore = sigstore): MemoryRegistry {
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, keylessBundle(by, DIGEST, options));
  return registry;
}

const unverified = (text: string): object => ({
  code: 'SOURCE_UNVERIFIED',
  message: expect.stringContaining(text),
});

test('a bundle by the identity is verified long after its certificate has expired', async () => {
  await expect(verify(signed())).resolves.toEqual({ signer: SUBJECT });
});

test('an email address is a subject, and an older certificate names its issuer elsewhere', async () => {
  const subject = 'release@team.test';
  const identities = [{ issuer: ISSUER, subject }];
  await expect(verify(signed({ subject }), sigstore, identities)).resolves.toEqual({ signer: subject });
  await expect(verify(signed({ subject, isOldStyle: true }), sigstore, identities)).resolves.toEqual({
    signer: subject,
  });
});

test('a timestamp proves the time where there is no log', async () => {
  const own = new TestSigstore({ hasTransparencyLog: false, hasCertificateLog: false });
  await expect(verify(signed({}, own), own)).resolves.toEqual({ signer: SUBJECT });
});

test('a log that the trusted root has is asked for, beside a timestamp', async () => {
  await expect(verify(signed({ proofs: ['timestamp'] }))).rejects.toMatchObject(
    unverified('expected 1 tlog entries, got 0'),
  );
  await expect(verify(signed({ proofs: ['timestamp', 'log entry'] }))).resolves.toEqual({ signer: SUBJECT });
});

test('an entry in a log that tells no time needs a timestamp beside it', async () => {
  const own = new TestSigstore({ isLogDated: false });
  await expect(verify(signed({ proofs: ['log entry', 'timestamp'] }, own), own)).resolves.toEqual({
    signer: SUBJECT,
  });
  await expect(verify(signed({ proofs: ['log entry'] }, own), own)).rejects.toMatchObject(
    unverified('nothing proves when it was made'),
  );
});

test("a certificate is in the authority's log where the trusted root has one", async () => {
  await expect(verify(signed({ log: undefined }))).rejects.toMatchObject(
    unverified('expected 1 SCTs, got 0'),
  );
});

test('a signature of the bare manifest is verified', async () => {
  const registry = new MemoryRegistry();
  const manifest = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json' });
  const digest = registry.putManifest(manifest);
  const made = sigstore.signBytes(Buffer.from(manifest));
  attachBundle(registry, digest, messageBundle(digest, made.signature, made));
  await expect(verify(registry, sigstore, undefined, digest)).resolves.toEqual({ signer: SUBJECT });
});

/** A signature in cosign's first format, with what cosign puts beside it. */
function simple(options: KeylessOptions = {}, payload = simplePayload(DIGEST)): MemoryRegistry {
  const registry = new MemoryRegistry();
  const { signature, certificate, entries, timestamps } = sigstore.signBytes(payload, options);
  const [entry] = entries;
  const annotations: Record<string, string> = {
    'dev.cosignproject.cosign/signature': signature.toString('base64'),
    'dev.sigstore.cosign/certificate': pemOf(certificate).toString(),
    'dev.sigstore.cosign/chain': pemOf(certificate).toString(),
  };
  if (entry !== undefined) {
    annotations['dev.sigstore.cosign/bundle'] = JSON.stringify({
      SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
      },
    });
  }
  for (const stamp of timestamps) {
    annotations['dev.sigstore.cosign/rfc3161timestamp'] = JSON.stringify({
      SignedRFC3161Timestamp: stamp.toString('base64'),
    });
  }
  attachSimple(registry, DIGEST, [{ payload, annotations }]);
  return registry;
}

test("a signature in cosign's first format is verified, with log entry and timestamp", async () => {
  await expect(verify(simple())).resolves.toEqual({ signer: SUBJECT });
  await expect(verify(simple({ proofs: ['log entry', 'timestamp'] }))).resolves.toEqual({ signer: SUBJECT });
  await expect(verify(simple({ proofs: [] }))).rejects.toMatchObject(
    unverified('nothing proves when it was made'),
  );
});

test.each([
  ['another issuer', { issuer: 'https://tokens.test.example' }, 'it is by'],
  ['a subject with a suffix', { subject: `${SUBJECT}.example` }, 'it is by'],
  ['a subject that a pattern would match', { subject: SUBJECT.replace('git.test', 'gitxtest') }, 'it is by'],
  ['a subject that looks alike', { subject: Buffer.from(SUBJECT.replace('team', 'te\u0430m')) }, 'it is by'],
  [
    'a subject that reads the same in seven bits',
    { subject: Buffer.from(SUBJECT.replace('team', 'te\u00e1m'), 'latin1') },
    'it is by',
  ],
  ['a second subject', { subject: ['https://evil.test', SUBJECT] }, 'exactly one email address or URI'],
  ['a certificate for servers', { purpose: 'serverAuth' as const }, 'not one for signing code'],
  ['nothing that proves the time', { proofs: [] }, 'nothing proves when it was made'],
  [
    'a certificate that had expired',
    {
      validity: {
        from: new Date(SIGNED_AT.getTime() - 2 * HOUR_MS),
        to: new Date(SIGNED_AT.getTime() - HOUR_MS),
      },
    },
    'not valid or expired',
  ],
  [
    'a certificate that was not valid yet',
    {
      validity: {
        from: new Date(SIGNED_AT.getTime() + HOUR_MS),
        to: new Date(SIGNED_AT.getTime() + 2 * HOUR_MS),
      },
    },
    'not valid or expired',
  ],
])('%s is not verified', async (_what, options, reason) => {
  await expect(verify(signed(options))).rejects.toMatchObject(unverified(reason));
});

test('an authority that is not in the trusted root vouches for nobody', async () => {
  await expect(verify(signed({}, new TestSigstore()))).rejects.toMatchObject(
    unverified('Failed to verify certificate chain'),
  );
});

test('the log entry of another signature proves nothing', async () => {
  const payload = statement(DIGEST);
  const other = sigstore.signEnvelope(STATEMENT, statement(`sha256:${'e'.repeat(64)}`));
  const { entries: _entries, ...made } = sigstore.signEnvelope(STATEMENT, payload);
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, bundle(payload, made.signature, { ...made, entries: other.entries }));
  await expect(verify(registry)).rejects.toMatchObject(unverified('tlog entry signature mismatch'));
});

test.each([
  ['hashes', (proof: Proof) => ({ ...proof, hashes: [Buffer.alloc(32).toString('base64')] }), 'root hash'],
  ['index', (proof: Proof) => ({ ...proof, logIndex: '5' }), 'invalid index'],
  [
    'index that is no number',
    (proof: Proof) => ({ ...proof, logIndex: 'x' }),
    'invalid inclusion proof log index',
  ],
  [
    'checkpoint',
    (proof: Proof) => ({
      ...proof,
      checkpoint: { envelope: proof.checkpoint.envelope.replace('\n2\n', '\n3\n') },
    }),
    'invalid checkpoint signature',
  ],
  ['nothing at all', () => undefined, 'no sigstore bundle'],
])('an inclusion proof with other %s is refused', async (_what, change, reason) => {
  const payload = statement(DIGEST);
  const made = sigstore.signEnvelope(STATEMENT, payload);
  const entries = made.entries.map((entry) => ({ ...entry, inclusionProof: change(entry.inclusionProof) }));
  const registry = new MemoryRegistry();
  const content: Record<string, unknown> = bundle(payload, made.signature, made);
  attachBundle(registry, DIGEST, {
    ...content,
    verificationMaterial: {
      certificate: { rawBytes: made.certificate.toString('base64') },
      tlogEntries: entries,
    },
  });
  await expect(verify(registry)).rejects.toMatchObject(unverified(reason));
});

type Proof = ReturnType<TestSigstore['signEnvelope']>['entries'][number]['inclusionProof'];

test('a time that the log did not promise is refused', async () => {
  const content = JSON.stringify(keylessBundle(sigstore, DIGEST, { at: SIGNED_AT }));
  const later = String(SIGNED_AT.getTime() / 1000 + 60);
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, content.replace(/"integratedTime":"\d+"/, `"integratedTime":"${later}"`));
  await expect(verify(registry)).rejects.toMatchObject(unverified('inclusion promise could not be verified'));
});

test('a bundle with more proofs than anybody needs is not looked into', async () => {
  const payload = statement(DIGEST);
  const made = sigstore.signEnvelope(STATEMENT, payload);
  const entries = Array.from({ length: 17 }, () => made.entries).flat();
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, bundle(payload, made.signature, { ...made, entries }));
  await expect(verify(registry)).rejects.toMatchObject(unverified('more than 16 log entries'));
});

test('a signature by a key is not one by an identity', async () => {
  const payload = statement(DIGEST);
  const { signature } = sigstore.signEnvelope(STATEMENT, payload);
  const registry = new MemoryRegistry();
  attachBundle(registry, DIGEST, bundle(payload, signature));
  attachSimple(registry, DIGEST, [
    { payload: simplePayload(DIGEST), annotations: { 'dev.cosignproject.cosign/signature': 'AAAA' } },
  ]);
  const refused = verify(registry);
  await expect(refused).rejects.toMatchObject(unverified('2 signatures found'));
  await expect(refused).rejects.toMatchObject(unverified('made with a key, not by an identity'));
});

test('without a trusted root identities are refused, before anything is asked', async () => {
  const registry = signed();
  const place = { reference: { host: 'registry.test', repository: 'team/web' }, digest: DIGEST, access: {} };
  const policy = { identities: [{ issuer: ISSUER, subject: SUBJECT }] };
  await expect(new SignatureVerifier({ registry }).verify(place, policy, signal)).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    message: expect.stringContaining('--sigstore-trusted-root'),
  });
  expect(registry.calls).toEqual([]);
});
