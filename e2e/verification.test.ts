// Modules that must be signed, against the registry of the CNCF, which keeps no list of referrers itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { EgressGuard } from '../src/egress/index.ts';
import { type OciReference, RegistryClient } from '../src/registry/index.ts';
import { generateSigningKey, readSigningKey, signDigest } from '../src/signatures/index.ts';
import { startRegistry } from '../test/servers/index.ts';
import { attachBundle, keylessBundle, MemoryRegistry, TestSigstore } from '../test/signatures/index.ts';
import {
  conditionOf,
  docExample,
  member,
  pushSample,
  type Space,
  secretData,
  story,
  useOperator,
} from './support/index.ts';

const { signal } = new AbortController();
const registry = await startRegistry();
const sigstore = new TestSigstore();
const folder = mkdtempSync(join(tmpdir(), 'verification-'));
const trustedRoot = join(folder, 'trusted_root.json');
writeFileSync(trustedRoot, sigstore.makeTrustedRoot());
const client = new RegistryClient({
  guard: new EgressGuard({ allow: ['127.0.0.1'] }),
  plainHttpHosts: [registry.host],
});

useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--plain-http-host', registry.host],
    ...['--sigstore-trusted-root', trustedRoot],
  ],
});

afterAll(async () => {
  await client.close();
  await registry.stop();
  rmSync(folder, { recursive: true });
});

const KEY = generateSigningKey();
const STRANGER = generateSigningKey();
const SUBJECT = 'https://git.test/team/web/.ci/release.yml@refs/heads/main';

function placeIn(space: Space): OciReference {
  return { host: registry.host, repository: space.namespace };
}

async function sign(space: Space, digest: string, key: string = KEY.key): Promise<void> {
  const place = { reference: placeIn(space), digest, access: {} };
  await signDigest(client, place, readSigningKey(key), { now: new Date() }, signal);
}

/** A Transform of `v1` in the story's repository, which asks for a signature by the key. */
async function transform(space: Space, verify?: object): Promise<void> {
  await space.apply('Secret', 'module-signers', { data: secretData({ 'webservice.pub': KEY.publicKey }) });
  const byKey = { provider: 'cosign', secretRef: { name: 'module-signers' } };
  const ref = `oci://${registry.host}/${space.namespace}:v1`;
  const cueRef = { type: 'oci', ref, verify: { ...byKey, ...verify } };
  await space.transform('shop', { cueRef, interval: '5s' });
}

describe.concurrent('a module that must be signed', () => {
  story('is rendered when it is, and says by whom', async ({ space }) => {
    const digest = await pushSample(registry, `${space.namespace}:v1`, '1');
    await sign(space, digest);
    await space.apply('Secret', 'module-signers', { data: secretData({ 'webservice.pub': KEY.publicKey }) });
    const text = await docExample('sources.md', 'a module that must be signed with a key');
    const manifest = text.replace(
      'oci://registry.example.com/platform/webservice:v1',
      `oci://${registry.host}/${space.namespace}:v1`,
    );
    expect(manifest).toContain(registry.host);
    await space.kubectl(['apply', '--server-side', '-f', '-'], manifest);
    const { status } = await space.untilReady('shop');
    expect(status?.resolvedCueRef).toMatchObject({ digest, signer: 'key webservice.pub' });
  });

  story('is not rendered until it is', async ({ space }) => {
    const digest = await pushSample(registry, `${space.namespace}:v1`, '1');
    await sign(space, digest, STRANGER.key);
    await transform(space);
    const failing = await space.untilFailing('shop', 'SourceUnverified');
    const message = conditionOf(failing, 'Fetched')?.message ?? '';
    expect(message).toContain(`${digest}: 1 signature found, none by key webservice.pub: `);
    expect(message).toContain('no key verifies it');
    expect(await space.find('ConfigMap', 'made')).toBeUndefined();
    await sign(space, digest);
    const { status } = await space.untilReady('shop');
    expect(status?.resolvedCueRef?.signer).toBe('key webservice.pub');
  });

  story('stays as it is when its tag moves to one that is not signed', async ({ space }) => {
    const first = await pushSample(registry, `${space.namespace}:v1`, '1');
    await sign(space, first);
    await transform(space);
    await space.untilReady('shop');
    const second = await pushSample(registry, `${space.namespace}:v1`, '2');
    const failing = await space.untilTransform('shop', 'names what is not signed', (found) => {
      const fetched = conditionOf(found, 'Fetched');
      return fetched?.status === 'False' && fetched.reason === 'SourceUnverified';
    });
    expect(conditionOf(failing, 'Fetched')?.message).toContain(`${second} has no signature`);
    expect(failing.status?.applied?.digest).toBe(first);
    expect(member(await space.get('ConfigMap', 'made'), 'data', 'version')).toBe('1');
    await sign(space, second);
    await space.untilFound('ConfigMap', 'made', (found) => member(found, 'data', 'version') === '2');
  });

  story('by an identity, is rendered when exactly that one signed it', async ({ space }) => {
    const digest = await pushSample(registry, `${space.namespace}:v1`, '1');
    await attach(space, keylessBundle(sigstore, digest), digest);
    const identities = [{ issuer: 'https://tokens.test', subject: `${SUBJECT}s` }];
    const cueRef = { type: 'oci', ref: `oci://${registry.host}/${space.namespace}:v1` };
    await space.transform('shop', { cueRef: { ...cueRef, verify: { provider: 'cosign', identities } } });
    const failing = await space.untilFailing('shop', 'SourceUnverified');
    expect(conditionOf(failing, 'Fetched')?.message).toContain(`it is by "${SUBJECT}"`);
    const exact = [{ issuer: 'https://tokens.test', subject: SUBJECT }];
    const verify = { provider: 'cosign', identities: exact };
    await space.transform('shop', { cueRef: { ...cueRef, verify } });
    const { status } = await space.untilReady('shop');
    expect(status?.resolvedCueRef).toMatchObject({ digest, signer: SUBJECT });
  });

  story('by a key that is none, says what is wrong with it and not what it is', async ({ space }) => {
    await pushSample(registry, `${space.namespace}:v1`, '1');
    await transform(space, { secretRef: { name: 'mistaken' } });
    await space.apply('Secret', 'mistaken', { data: secretData({ 'webservice.pub': KEY.key }) });
    const failing = await space.untilFailing('shop', 'SourceInvalid');
    expect(conditionOf(failing, 'Fetched')?.message).toContain('key webservice.pub: it is a private key');
    const [, secret = ''] = KEY.key.split('\n');
    expect(JSON.stringify(failing)).not.toContain(secret);
  });
});

/** Attaches a bundle as a client of sigstore does. */
async function attach(space: Space, bundle: object, digest: string): Promise<void> {
  const memory = new MemoryRegistry();
  const at = attachBundle(memory, digest, bundle);
  for (const bytes of memory.blobs.values()) await client.pushBlob(placeIn(space), bytes, {}, signal);
  const body = Buffer.from(memory.manifests.get(at) ?? '');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  await client.pushManifest(placeIn(space), { mediaType, body }, {}, signal);
}
