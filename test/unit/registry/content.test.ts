// What a registry may send in place of what it was asked for, and that none of it is taken.
import { expect, describe as group, it } from 'vitest';
import { sendDrops, sendShort } from '../../servers/index.ts';
import {
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

const BLOB = Buffer.from('package a\n');
const LAYER = describe(BLOB);
const MANIFEST = manifestOf([LAYER]);
const SELF = describe(MANIFEST, MANIFEST_TYPE);
const OTHER_DIGEST = `sha256:${'0'.repeat(64)}`;

/** What becomes of asking for `a:v1`, or what `rest` says, where this is the answer. */
async function resolveWith(answer: Parameters<typeof startScripted>[0][string], rest: string = 'a:v1') {
  const name = rest.split(/[:@]/).slice(1).join(':');
  const server = await startScripted({ [`/v2/a/manifests/${name}`]: answer });
  const resolved = clientFor([server]).resolve(referenceTo(server, rest), {}, signal());
  return { server, resolved };
}

group('a manifest', () => {
  it('is read, by tag and by digest', async () => {
    const server = await startScripted({
      '/v2/team/a/manifests/v1': send(MANIFEST_TYPE, MANIFEST, { 'docker-content-digest': SELF.digest }),
      [`/v2/team/a/manifests/${SELF.digest}`]: send(MANIFEST_TYPE, MANIFEST),
      'HEAD /v2/team/a/manifests/v1': status(200, '', { 'docker-content-digest': SELF.digest }),
    });
    const client = clientFor([server]);
    for (const rest of ['team/a:v1', `team/a@${SELF.digest}`, `team/a:old@${SELF.digest}`]) {
      const found = await client.resolve(referenceTo(server, rest), {}, signal());
      expect(found).toMatchObject({ digest: SELF.digest, rootDigest: SELF.digest, mediaType: MANIFEST_TYPE });
      expect(found.value.layers).toEqual([{ ...LAYER, annotations: {}, hasPlatform: false }]);
      expect(Buffer.from(found.body).toString()).toBe(MANIFEST);
    }
    expect(await client.digest(referenceTo(server, 'team/a:v1'), {}, signal())).toBe(SELF.digest);
    expect(server.requests()[0]?.headers.accept).toContain(INDEX_TYPE);
  });

  it('by sha512 is hashed by sha512', async () => {
    const { createHash } = await import('node:crypto');
    const digest = `sha512:${createHash('sha512').update(MANIFEST).digest('hex')}`;
    const good = await resolveWith(send(MANIFEST_TYPE, MANIFEST), `a@${digest}`);
    await expect(good.resolved).resolves.toMatchObject({ digest });
    const bad = await resolveWith(send(MANIFEST_TYPE, `${MANIFEST} `), `a@${digest}`);
    await expect(bad.resolved).rejects.toMatchObject({ code: 'SOURCE_DIGEST' });
  });

  it.each([
    ['other bytes than its digest', `a@${SELF.digest}`, send(MANIFEST_TYPE, `${MANIFEST} `)],
    [
      'another digest in the header',
      'a:v1',
      send(MANIFEST_TYPE, MANIFEST, { 'docker-content-digest': OTHER_DIGEST }),
    ],
    ['nonsense in the header', 'a:v1', send(MANIFEST_TYPE, MANIFEST, { 'docker-content-digest': 'md5:1' })],
  ])('with %s is not taken', async (_what, rest, answer) => {
    const { resolved } = await resolveWith(answer, rest);
    await expect(resolved).rejects.toMatchObject({ code: 'SOURCE_DIGEST', reason: 'SourceDigestMismatch' });
  });

  it('is not described by what stands in its header in place of a digest', async () => {
    const said = 'Basic Y2FuYXJ5';
    const { resolved } = await resolveWith(send(MANIFEST_TYPE, MANIFEST, { 'docker-content-digest': said }));
    await expect(resolved).rejects.toMatchObject({
      code: 'SOURCE_DIGEST',
      message: expect.not.stringContaining(said),
    });
  });

  it.each([
    ['text', 'ahoy', 'is no JSON object'],
    ['a list', '[]', 'is no JSON object'],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'is no JSON object'],
    ['a million brackets', '['.repeat(1e6), 'nested more than 32 deep'],
    ['no layers', manifestOf([], { layers: undefined }), 'layers is no list'],
    ['101 layers', manifestOf(Array(101).fill(LAYER)), 'layers has more than 100 entries'],
    [
      'a layer from elsewhere',
      manifestOf([{ ...LAYER, urls: ['http://evil.test/'] }]),
      'layers[0] is to be had from somewhere else',
    ],
    ['a layer of no size', manifestOf([{ ...LAYER, size: -1 }]), 'layers[0] has no size'],
    ['a layer of a broken size', manifestOf([{ ...LAYER, size: 1.5 }]), 'layers[0] has no size'],
    ['a layer of a huge size', manifestOf([{ ...LAYER, size: 1e300 }]), 'layers[0] has no size'],
    ['a layer of an unknown digest', manifestOf([{ ...LAYER, digest: 'md5:1' }]), 'layers[0] has no digest'],
    ['a layer of no type', manifestOf([{ ...LAYER, mediaType: 'a\nb' }]), 'layers[0] has no media type'],
    ['annotations that are none', manifestOf([], { annotations: { a: 1 } }), 'an annotation that is no text'],
    ['manifests, too', manifestOf([], { manifests: [] }), 'a manifest and an index at once'],
    ['the type of an index', manifestOf([LAYER], { mediaType: INDEX_TYPE }), 'says that it is'],
    [
      'an old type',
      manifestOf([], { mediaType: 'application/vnd.docker.distribution.manifest.v1+json' }),
      'neither a manifest nor an index',
    ],
  ])('with %s is invalid', async (_what, body, message) => {
    const { resolved } = await resolveWith(send(MANIFEST_TYPE, body));
    await expect(resolved).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('with __proto__ in its annotations changes nothing but them', async () => {
    const text = manifestOf([]).replace(/}$/, ',"annotations":{"__proto__":"x","a":"b"}}');
    const { resolved } = await resolveWith(send(MANIFEST_TYPE, text));
    const { value } = await resolved;
    expect(Object.keys(value.annotations)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value.annotations)).toBe(Object.prototype);
  });

  it('of a gigabyte ends at its limit, announced or not', async () => {
    let sent = 0;
    for (const headers of [{}, { 'content-length': '1000000000' }]) {
      sent = 0;
      const { resolved } = await resolveWith(async (response) => {
        response.writeHead(200, { 'content-type': MANIFEST_TYPE, ...headers });
        const chunk = Buffer.alloc(2 ** 20, 0x20);
        while (!response.destroyed && sent < 1e9) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            await new Promise<void>((resolve) => {
              response.once('drain', resolve);
              response.once('close', resolve);
            });
          }
        }
      });
      await expect(resolved).rejects.toMatchObject({ code: 'SOURCE_TOO_LARGE' });
      expect(sent).toBeLessThan(64 * 2 ** 20);
    }
  });

  it('needs a name', async () => {
    const server = await startScripted({});
    const resolved = clientFor([server]).resolve(referenceTo(server, 'a'), {}, signal());
    await expect(resolved).rejects.toThrow('names neither a tag nor a digest');
    expect(server.requests()).toEqual([]);
  });

  it('that drips is not waited for', async () => {
    const server = await startScripted({
      '/v2/a/manifests/v1': (response) => sendDrops(response, ' ', 5),
    });
    const client = clientFor([server], { callTimeoutMs: 150 });
    await expect(client.resolve(referenceTo(server), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: `oci://${server.host}/a:v1: ${server.host} did not answer in full within 0.15 s`,
    });
  });
});

group('an index', () => {
  const entry = { ...SELF, mediaType: MANIFEST_TYPE };
  const forLinux = { ...entry, platform: { os: 'linux', architecture: 'amd64' } };

  it.each([
    ['its one manifest', [entry]],
    ['its one manifest, for whatever machine', [forLinux]],
    ['its one manifest for no machine', [{ ...forLinux, digest: OTHER_DIGEST }, entry]],
  ])('leads to %s', async (_what, manifests) => {
    const index = indexOf(manifests);
    const server = await startScripted({
      '/v2/a/manifests/v1': send(INDEX_TYPE, index),
      [`/v2/a/manifests/${SELF.digest}`]: send(MANIFEST_TYPE, MANIFEST),
    });
    const found = await clientFor([server]).resolve(referenceTo(server), {}, signal());
    expect(found).toMatchObject({ digest: SELF.digest, rootDigest: describe(index).digest });
  });

  it('of several machines is no module, and says what there is', async () => {
    const { resolved } = await resolveWith(
      send(INDEX_TYPE, indexOf([forLinux, { ...forLinux, digest: OTHER_DIGEST }])),
    );
    await expect(resolved).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(
        `an index of 2 manifests, and no one of them is meant: ${SELF.digest}`,
      ),
    });
    const empty = await resolveWith(send(INDEX_TYPE, indexOf([])));
    await expect(empty.resolved).rejects.toThrow('it is empty');
  });

  it('of an index is not followed, nor one that would lead back', async () => {
    const inner = indexOf([entry]);
    const server = await startScripted({
      '/v2/a/manifests/v1': send(INDEX_TYPE, indexOf([describe(inner, INDEX_TYPE)])),
      [`/v2/a/manifests/${describe(inner).digest}`]: send(INDEX_TYPE, inner),
    });
    const resolved = clientFor([server]).resolve(referenceTo(server), {}, signal());
    await expect(resolved).rejects.toThrow('is an index of indexes');
    expect(server.requests()).toHaveLength(2);
  });

  it('that lies about its manifest is not believed', async () => {
    const server = await startScripted({
      '/v2/a/manifests/v1': send(INDEX_TYPE, indexOf([{ ...entry, size: SELF.size + 1 }])),
      [`/v2/a/manifests/${SELF.digest}`]: send(MANIFEST_TYPE, MANIFEST),
    });
    const resolved = clientFor([server]).resolve(referenceTo(server), {}, signal());
    await expect(resolved).rejects.toMatchObject({ code: 'SOURCE_DIGEST' });
  });
});

group('a blob', () => {
  const path = `/v2/a/blobs/${LAYER.digest}`;
  const fetch = async (
    answer: Parameters<typeof startScripted>[0][string],
    layer: { digest: string; size: number } = LAYER,
  ) => {
    const server = await startScripted({ [path]: answer });
    const client = clientFor([server], { maxBlobBytes: 1_000, callTimeoutMs: 5_000 });
    return { server, got: client.blob(referenceTo(server), layer, {}, signal()) };
  };

  it('is what its descriptor says', async () => {
    const { got } = await fetch(send('application/octet-stream', BLOB));
    expect(Buffer.from(await got).equals(BLOB)).toBe(true);
  });

  it.each<[string, Parameters<typeof startScripted>[0][string]]>([
    ['shorter', send('x/y', BLOB.subarray(1))],
    ['longer', send('x/y', Buffer.concat([BLOB, BLOB]))],
    ['of its size, but something else', send('x/y', Buffer.alloc(BLOB.length))],
    ['longer, in pieces', (response) => void response.writeHead(200).write(BLOB, () => response.end('x'))],
    ['shorter, in pieces', (response) => void response.writeHead(200).write('x', () => response.end())],
    ['endless', (response) => sendDrops(response, Buffer.alloc(64), 1)],
    ['far longer, in one piece', (response) => void response.writeHead(200).end('x'.repeat(100_000))],
  ])('that is %s is not taken', async (_what, answer) => {
    const { got } = await fetch(answer);
    await expect(got).rejects.toMatchObject({ code: 'SOURCE_DIGEST' });
  });

  it('that breaks off is asked for again, three times in all', async () => {
    const { got, server } = await fetch((response) => sendShort(response, BLOB.length, 'pack'));
    await expect(got).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(server.requests()).toHaveLength(3);
  });

  it('that announces another size, and then nothing more, is not waited for', async () => {
    const { got } = await fetch((response) => {
      response.writeHead(200, { 'content-length': '12' }).write('x');
    });
    await expect(got).rejects.toMatchObject({
      code: 'SOURCE_DIGEST',
      message: expect.stringContaining('12 bytes'),
    });
  });

  it('that is too large is not asked for', async () => {
    const { got, server } = await fetch(send('x/y', BLOB), { digest: LAYER.digest, size: 1_001 });
    await expect(got).rejects.toMatchObject({ code: 'SOURCE_TOO_LARGE' });
    expect(server.requests()).toEqual([]);
  });
});

group('tags', () => {
  const pages = (next: (host: string, last: number) => string | undefined) => {
    let page = 0;
    return startScripted({
      '/v2/a/tags/list': (response, { headers }) => {
        page += 1;
        const link = next(headers.host ?? '', page);
        const tags = [`t${page}`, 'no tag', 7];
        response.writeHead(200, link === undefined ? {} : { link }).end(JSON.stringify({ name: 'a', tags }));
      },
    });
  };

  it('are read page by page', async () => {
    const server = await pages((_host, page) =>
      page < 3 ? `</v2/a/tags/list?n=1&last=t${page}>; rel="next"` : undefined,
    );
    expect(await clientFor([server]).tags(referenceTo(server), {}, signal())).toEqual(['t1', 't2', 't3']);
    expect(server.requests().map(({ url }) => url)).toEqual([
      '/v2/a/tags/list?n=1000',
      '/v2/a/tags/list?n=1&last=t1',
      '/v2/a/tags/list?n=1&last=t2',
    ]);
  });

  it('on another host are not read', async () => {
    const other = await startScripted({});
    const server = await pages(() => `<http://${other.host}/v2/a/tags/list>; rel="next"`);
    await expect(clientFor([server, other]).tags(referenceTo(server), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
    });
    expect(other.requests()).toEqual([]);
  });

  it('without end are too many', async () => {
    const server = await pages((_host, page) => `</v2/a/tags/list?page=${page % 2}>; rel=next`);
    await expect(clientFor([server]).tags(referenceTo(server), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    });
    expect(server.requests()).toHaveLength(100);
  });

  it('in a list of 100,000 are too many', async () => {
    const tags = Array.from({ length: 100_000 }, (_, index) => `v${index}`);
    const server = await startScripted({
      '/v2/a/tags/list': send('application/json', JSON.stringify({ tags })),
    });
    await expect(clientFor([server]).tags(referenceTo(server), {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
      message: expect.stringContaining('more than 10000 tags'),
    });
  });

  it('of an empty repository are none', async () => {
    const server = await startScripted({
      '/v2/a/tags/list': send('application/json', '{"name":"a","tags":null}'),
    });
    expect(await clientFor([server]).tags(referenceTo(server), {}, signal())).toEqual([]);
  });
});
