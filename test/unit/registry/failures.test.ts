// What is said of a registry that fails, when it is tried again, and what is never repeated.
import { expect, describe as group, it } from 'vitest';
import { EgressGuard } from '../../../src/egress/index.ts';
import { parseOciReference } from '../../../src/registry/index.ts';
import { sendRaw } from '../../servers/index.ts';
import {
  type Answer,
  authority,
  clientFor,
  describe as describeBytes,
  MANIFEST_TYPE,
  manifestOf,
  referenceTo,
  send,
  signal,
  startScripted,
  status,
} from './scripted-registry.ts';

const PATH = '/v2/a/manifests/v1';
const CANARY = 'canary-password';
const errors = (...codes: readonly string[]): string =>
  JSON.stringify({ errors: codes.map((code) => ({ code, message: CANARY, detail: CANARY })) });

async function failed(
  answer: Answer,
  access: { username: string; password: string } | undefined = undefined,
) {
  const server = await startScripted({ [PATH]: answer });
  const who = access === undefined ? {} : { credentials: access };
  const error: unknown = await clientFor([server])
    .resolve(referenceTo(server), who, signal())
    .catch((thrown: unknown) => thrown);
  const message = error instanceof Error ? error.message : '';
  expect(message).toContain(`oci://${server.host}/a:v1: ${server.host} `);
  expect(message).not.toContain(CANARY);
  return { server, error, message: message.replaceAll(server.host, 'HOST') };
}

group('an answer', () => {
  it.each([
    [
      404,
      errors('MANIFEST_UNKNOWN'),
      'SOURCE_NOT_FOUND',
      'oci://HOST/a:v1: HOST has nothing under this name (status 404, MANIFEST_UNKNOWN)',
    ],
    [
      404,
      errors('NAME_UNKNOWN'),
      'SOURCE_NOT_FOUND',
      'oci://HOST/a:v1: HOST has no such repository (status 404, NAME_UNKNOWN)',
    ],
    [
      404,
      '<html>not here</html>',
      'SOURCE_NOT_FOUND',
      'oci://HOST/a:v1: HOST has nothing under this name (status 404)',
    ],
    [
      403,
      errors('DENIED', CANARY.toUpperCase(), 'DENIED'),
      'SOURCE_AUTH',
      'oci://HOST/a:v1: HOST wants credentials for it, or there is no such repository (status 403, DENIED)',
    ],
    [
      400,
      errors('TAG_INVALID'),
      'SOURCE_UNAVAILABLE',
      'oci://HOST/a:v1: HOST answers with status 400, TAG_INVALID',
    ],
    [418, `${'['.repeat(10_000)}`, 'SOURCE_UNAVAILABLE', 'oci://HOST/a:v1: HOST answers with status 418'],
  ])('with status %i and %s is told', async (code, body, expected, message) => {
    const found = await failed(status(code, body));
    expect(found).toMatchObject({ message, error: { code: expected } });
    expect(found.server.requests()).toHaveLength(1);
  });

  it.each([
    [403, 'SOURCE_AUTH'],
    [404, 'SOURCE_NOT_FOUND'],
    [503, 'SOURCE_UNAVAILABLE'],
  ])('of %i with a long page means the same, whatever was asked for', async (code, expected) => {
    const page = status(code, `<html>${'x'.repeat(100_000)}`);
    const body = Buffer.from('small');
    const { digest } = describeBytes(body);
    const server = await startScripted({
      [PATH]: page,
      [`PUT ${PATH}`]: page,
      [`/v2/a/blobs/${digest}`]: page,
    });
    const client = clientFor([server]);
    const reference = referenceTo(server);
    const manifest = { mediaType: MANIFEST_TYPE, body: Buffer.from(manifestOf([])) };
    for (const call of [
      () => client.resolve(reference, {}, signal()),
      () => client.blob(reference, { digest, size: body.length }, {}, signal()),
      () => client.pushManifest(reference, manifest, {}, signal()),
    ])
      await expect(call()).rejects.toMatchObject({ code: expected });
  });

  it('of 403 to credentials says that they do not suffice', async () => {
    const found = await failed(status(403), { username: 'me', password: CANARY });
    expect(found.message).toContain('does not let these credentials do this');
  });

  it.each([500, 502, 503, 504])('of %i is asked for again, three times in all', async (code) => {
    const found = await failed(status(code, errors('UNKNOWN')));
    expect(found.error).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retry: 'backoff' });
    expect(found.server.requests()).toHaveLength(3);
  });

  it.each([
    [429, '120', { afterMs: 120_000 }],
    [503, '7200', { afterMs: 3_600_000 }],
    [429, 'Thu, 01 Jan 2026 00:10:00 GMT', { afterMs: 600_000 }],
    [429, 'soon', 'backoff'],
  ])('of %i with Retry-After %s is left alone as long', async (code, header, retry) => {
    const server = await startScripted({ [PATH]: status(code, '', { 'retry-after': header }) });
    const client = clientFor([server], { now: () => Date.UTC(2026, 0, 1) });
    await expect(client.resolve(referenceTo(server), {}, signal())).rejects.toMatchObject({ retry });
    expect(server.requests()).toHaveLength(1);
  });

  it('that comes after a moment is waited for', async () => {
    const answers = [
      status(429, '', { 'retry-after': '0' }),
      status(500),
      send(MANIFEST_TYPE, manifestOf([])),
    ];
    const server = await startScripted({
      [PATH]: (response, request) => (answers.shift() ?? status(404))(response, request),
    });
    const found = clientFor([server]).resolve(referenceTo(server), {}, signal());
    await expect(found).resolves.toMatchObject({ mediaType: MANIFEST_TYPE });
  });

  it('that is no HTTP is told', async () => {
    const found = await failed((response) => sendRaw(response, 'SSH-2.0-x\r\n\r\n'));
    expect(found.message).toContain('HOST does not answer with HTTP');
  });

  it('with too many headers is not taken', async () => {
    const found = await failed(
      status(200, '', { 'x-long': 'x'.repeat(15_000), 'x-longer': 'x'.repeat(15_000) }),
    );
    expect(found.error).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it('that never comes ends the wait', async () => {
    const server = await startScripted({ [PATH]: () => new Promise(() => undefined) });
    const client = clientFor([server], { callTimeoutMs: 100 });
    await expect(client.resolve(referenceTo(server), {}, signal())).rejects.toThrow(
      'did not answer in full within 0.1 s',
    );
  });

  it('is not waited for when nobody wants it any more', async () => {
    const controller = new AbortController();
    const server = await startScripted({ [PATH]: () => controller.abort(new Error('given up')) });
    const client = clientFor([server]);
    await expect(client.resolve(referenceTo(server), {}, controller.signal)).rejects.toThrow('given up');
  });
});

group('no answer', () => {
  it('is told in words', async () => {
    const secure = await startScripted({}, { isSecure: true });
    const plain = await startScripted({});
    const client = clientFor([]);
    const reasons: readonly (readonly [string, string, string])[] = [
      ['oci://127.0.0.1:1/a:v1', 'SOURCE_UNAVAILABLE', '127.0.0.1:1 refuses connections'],
      [
        `oci://${secure.host}/a:v1`,
        'SOURCE_UNAVAILABLE',
        'its ca.crt can be given: a Transform has certSecretRef for it, a command --ca-file',
      ],
      [
        `oci://${plain.host}/a:v1`,
        'SOURCE_UNAVAILABLE',
        'the operator has --plain-http-host for it, a command --plain-http',
      ],
      ['oci://10.0.0.1/a:v1', 'SOURCE_REFUSED', '--egress-allow 10.0.0.1'],
      ['oci://169.254.169.254/a:v1', 'SOURCE_REFUSED', 'which is never called'],
    ];
    for (const [text, code, message] of reasons)
      await expect(client.resolve(parseOciReference(text), {}, signal()), text).rejects.toMatchObject({
        code,
        message: expect.stringMatching(
          new RegExp(`^${text.replaceAll('.', '\\.')}: .*${message.replaceAll('.', '\\.')}`),
        ),
      });
    expect(plain.requests()).toEqual([]);
  });

  it('comes from names that lead nowhere, or are not to be asked', async () => {
    const guard = new EgressGuard({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    const client = clientFor([], { guard });
    const reference = parseOciReference('oci://nowhere.test/a:v1');
    await expect(client.resolve(reference, {}, signal())).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining("nowhere.test can't be resolved"),
    });
    const listed = clientFor([], {
      guard: new EgressGuard({
        only: ['registry.example'],
        resolve: async () => [{ address: '8.8.8.8', family: 4 }],
      }),
    });
    await expect(listed.resolve(reference, {}, signal())).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  });

  it('comes with a key that is none, which is not repeated', async () => {
    const secure = await startScripted({}, { isSecure: true });
    const tls = { ca: authority.caPem, cert: authority.caPem, key: CANARY };
    const error: unknown = await clientFor([])
      .resolve(referenceTo(secure), { tls }, signal())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'SOURCE_AUTH',
      message: expect.stringContaining("tls.key can't be read"),
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(CANARY);
  });
});
