import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Agent, fetch } from 'undici';
import { expect, test } from 'vitest';
import {
  createTestAuthority,
  sendDrops,
  sendRaw,
  sendShort,
  startScriptedServer,
} from '../../servers/index.ts';

test('every request is kept as it came, and redirects lead where they say', async () => {
  await using target = await startScriptedServer((_request, response) => void response.end('here'));
  await using server = await startScriptedServer((_request, response) => {
    response.writeHead(307, { location: `${target.url}/there?q=1` }).end();
  });
  const answer = await fetch(`${server.url}/from`, {
    method: 'POST',
    headers: { 'X-Some': 'thing' },
    body: Uint8Array.of(0, 255),
  });
  expect(await answer.text()).toBe('here');
  expect(server.requests()).toEqual([
    expect.objectContaining({ method: 'POST', url: '/from', body: Buffer.of(0, 255), status: 307 }),
  ]);
  const [seen] = target.requests();
  expect(seen).toMatchObject({ url: '/there?q=1', headers: { 'x-some': 'thing' } });
  expect(seen?.rawHeaders).toContain('thing');
  target.forget();
  expect(target.requests()).toEqual([]);
});

test('answers that are short, endless or no HTTP at all reach the client as such', async () => {
  await using server = await startScriptedServer(async ({ url }, response) => {
    if (url === '/short') sendShort(response, 100, 'ten bytes.');
    else if (url === '/drops') await sendDrops(response, '.', 1);
    else sendRaw(response, 'SSH-2.0-surprise\r\n');
  });
  const short = await fetch(`${server.url}/short`);
  expect(short.headers.get('content-length')).toBe('100');
  await expect(short.text()).rejects.toThrow('terminated');

  const { hostname, port } = new URL(server.url);
  const raw = connect(Number(port), hostname);
  raw.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect(await text(raw)).toBe('SSH-2.0-surprise\r\n');

  const leaving = new AbortController();
  const drops = await fetch(`${server.url}/drops`, { signal: leaving.signal });
  const reader = drops.body?.getReader();
  for (let count = 0; count < 3; count += 1) expect((await reader?.read())?.done).toBe(false);
  leaving.abort();
  await expect(reader?.read()).rejects.toThrow('aborted');
});

test('a certificate for other names, or of another authority, is seen as such', async () => {
  const authority = createTestAuthority();
  const elsewhere = { hosts: ['other.example'], addresses: [] };
  await using good = await startScriptedServer((_request, response) => void response.end('good'), {
    tls: authority,
  });
  await using wrong = await startScriptedServer((_request, response) => void response.end('wrong'), {
    tls: { ...authority, issue: () => authority.issue(elsewhere) },
  });
  const dispatcher = new Agent({ connect: { ca: authority.caPem } });
  try {
    expect(await (await fetch(good.url, { dispatcher })).text()).toBe('good');
    await expect(fetch(wrong.url, { dispatcher })).rejects.toMatchObject({
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    await expect(fetch(good.url)).rejects.toThrow('fetch failed');
    expect(good.connections().total).toBe(2);
    expect(wrong.requests()).toEqual([]);
  } finally {
    await dispatcher.close();
  }
});
