// Pushes, and lists of referrers, at registries of several habits.
import { expect, describe as group, it } from 'vitest';
import { digestOf } from '../../../src/registry/index.ts';
import type { ScriptedServer } from '../../servers/index.ts';
import {
  type Answer,
  authorizations,
  clientFor,
  describe,
  INDEX_TYPE,
  indexOf,
  MANIFEST_TYPE,
  manifestOf,
  referenceTo,
  send,
  signal,
  startScripted,
  status,
} from './scripted-registry.ts';

const BYTES = Buffer.from('layer');
const DIGEST = digestOf(BYTES);
const SUBJECT = describe('subject', MANIFEST_TYPE);
const TAG = SUBJECT.digest.replace(':', '-');
const signature = (type: string) => ({ ...describe(type, MANIFEST_TYPE), artifactType: type });

const created =
  (location: () => string): Answer =>
  (response) =>
    void response.writeHead(202, { location: location() }).end();

group('a blob', () => {
  it.each(['/v2/a/blobs/uploads/1?state=x', 'uploads/1?state=x'])(
    'goes to where the registry says: %s',
    async (location) => {
      const path = location.startsWith('/') ? '/v2/a/blobs/uploads/1' : '/v2/a/blobs/uploads/uploads/1';
      const server = await startScripted({
        'POST /v2/a/blobs/uploads/': created(() => location),
        [`PUT ${path}`]: status(201),
      });
      const pushed = await clientFor([server]).pushBlob(referenceTo(server), BYTES, {}, signal());
      expect(pushed).toEqual({ digest: DIGEST, size: BYTES.length });
      const last = server.requests().at(-1);
      expect(last?.url).toBe(`${path}?state=x&digest=${encodeURIComponent(DIGEST)}`);
      expect(last?.body.equals(BYTES)).toBe(true);
    },
  );

  it('that is there is not sent again', async () => {
    const server = await startScripted({ [`HEAD /v2/a/blobs/${DIGEST}`]: status(200) });
    await clientFor([server]).pushBlob(referenceTo(server), BYTES, {}, signal());
    expect(server.requests()).toHaveLength(1);
  });

  it('that goes to another host tells it nothing of who sends it', async () => {
    const other = await startScripted({ 'PUT /upload': status(201) });
    const login =
      (answer: Answer): Answer =>
      (response, request) => {
        if (request.headers.authorization !== undefined) return answer(response, request);
        response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      };
    const server = await startScripted({
      [`HEAD /v2/a/blobs/${DIGEST}`]: login(status(404)),
      'POST /v2/a/blobs/uploads/': login(created(() => `${other.url}/upload`)),
    });
    const access = { credentials: { username: 'me', password: 'canary' } };
    await clientFor([server, other]).pushBlob(referenceTo(server), BYTES, access, signal());
    expect(authorizations(other)).toEqual([undefined]);
    expect(authorizations(server).filter((sent) => sent !== undefined)).toHaveLength(2);
  });

  it('that goes nowhere is an error', async () => {
    const server = await startScripted({ 'POST /v2/a/blobs/uploads/': created(() => 'file:///tmp') });
    const pushed = clientFor([server]).pushBlob(referenceTo(server), BYTES, {}, signal());
    await expect(pushed).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
  });
});

group('a manifest', () => {
  const body = Buffer.from(manifestOf([]));

  it('goes under its tag, or its digest', async () => {
    const digest = digestOf(body);
    const server = await startScripted({
      'PUT /v2/a/manifests/v1': status(201),
      [`PUT /v2/a/manifests/${digest}`]: status(201),
    });
    const client = clientFor([server]);
    for (const rest of ['a:v1', 'a'])
      expect(
        await client.pushManifest(
          referenceTo(server, rest),
          { mediaType: MANIFEST_TYPE, body },
          {},
          signal(),
        ),
      ).toBe(digest);
    expect(server.requests().map(({ headers }) => headers['content-type'])).toEqual([
      MANIFEST_TYPE,
      MANIFEST_TYPE,
    ]);
  });

  it('that the registry takes for another one is an error', async () => {
    const headers = { 'docker-content-digest': digestOf(BYTES) };
    const server = await startScripted({ 'PUT /v2/a/manifests/v1': status(201, '', headers) });
    const pushed = clientFor([server]).pushManifest(
      referenceTo(server),
      { mediaType: MANIFEST_TYPE, body },
      {},
      signal(),
    );
    await expect(pushed).rejects.toMatchObject({ code: 'SOURCE_DIGEST' });
  });

  it('that is refused is told, and not sent again', async () => {
    const server = await startScripted({ 'PUT /v2/a/manifests/v1': status(500) });
    const pushed = clientFor([server]).pushManifest(
      referenceTo(server),
      { mediaType: MANIFEST_TYPE, body },
      {},
      signal(),
    );
    await expect(pushed).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(server.requests()).toHaveLength(1);
  });

  it.each([true, false])('about another one is listed, by the registry: %s', async (isListed) => {
    const manifest = Buffer.from(manifestOf([], { subject: SUBJECT, artifactType: 'x/y' }));
    const digest = digestOf(manifest);
    const known = signature('old/type');
    const server = await startScripted({
      [`PUT /v2/a/manifests/${digest}`]: status(201, '', isListed ? { 'oci-subject': SUBJECT.digest } : {}),
      [`/v2/a/manifests/${TAG}`]: send(INDEX_TYPE, indexOf([known])),
      [`PUT /v2/a/manifests/${TAG}`]: status(201),
    });
    const client = clientFor([server]);
    await client.pushManifest(
      referenceTo(server, 'a'),
      { mediaType: MANIFEST_TYPE, body: manifest },
      {},
      signal(),
    );
    const written = server
      .requests()
      .filter(({ url }) => url.endsWith(TAG) && !isListed)
      .at(-1)
      ?.body.toString();
    const entries = isListed ? undefined : JSON.parse(written ?? '{}').manifests;
    const added = {
      mediaType: MANIFEST_TYPE,
      digest,
      size: manifest.length,
      artifactType: 'x/y',
      annotations: {},
    };
    expect(entries).toEqual(isListed ? undefined : [{ ...known, annotations: {} }, added]);
    expect(server.requests()).toHaveLength(isListed ? 1 : 3);
  });
});

group('referrers', () => {
  const path = `/v2/a/referrers/${SUBJECT.digest}`;
  const both = indexOf([signature('a/b'), signature('c/d')]);
  const list = (server: ScriptedServer, artifactType?: string) => {
    const about = { digest: SUBJECT.digest, ...(artifactType === undefined ? {} : { artifactType }) };
    return clientFor([server]).referrers(referenceTo(server), about, {}, signal());
  };

  it.each<[string, Readonly<Record<string, Answer>>]>([
    ['as the registry lists them', { [path]: send(INDEX_TYPE, both) }],
    ['as they are listed under a tag', { [`/v2/a/manifests/${TAG}`]: send(INDEX_TYPE, both) }],
    ...[400, 405, 406].map((code): [string, Readonly<Record<string, Answer>>] => [
      `under a tag where the registry answers ${code} to what it does not know`,
      { [path]: status(code), [`/v2/a/manifests/${TAG}`]: send(INDEX_TYPE, both) },
    ]),
  ])('are read %s', async (_where, routes) => {
    const server = await startScripted(routes);
    expect((await list(server)).map(({ artifactType }) => artifactType)).toEqual(['a/b', 'c/d']);
    expect((await list(server, 'c/d')).map(({ artifactType }) => artifactType)).toEqual(['c/d']);
    expect(server.requests().some(({ url }) => url === `${path}?artifactType=c%2Fd`)).toBe(true);
  });

  it('are none where nothing is known of them', async () => {
    expect(await list(await startScripted({}))).toEqual([]);
  });

  it('are none where the tag means the artefact itself', async () => {
    const server = await startScripted({
      [`/v2/a/manifests/${TAG}`]: send(MANIFEST_TYPE, manifestOf([])),
    });
    expect(await list(server)).toEqual([]);
  });

  it('are an error where the list is none', async () => {
    const server = await startScripted({ [path]: send(MANIFEST_TYPE, manifestOf([])) });
    await expect(list(server)).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    const many = await startScripted({
      [path]: send(INDEX_TYPE, indexOf(Array(1_001).fill(signature('a/b')))),
    });
    await expect(list(many)).rejects.toThrow('more than 1000');
  });
});
