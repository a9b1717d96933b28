import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { hashJson, isJsonObject, type JsonObject, parseJson, stringifyJson } from '../json/index.ts';
import {
  contentOf,
  decodeContent,
  encodeContent,
  MAX_CONTENT_BYTES,
  MAX_STORED_BYTES,
  type RevisionContent,
} from './content.ts';

function contentWith(data: JsonObject): RevisionContent {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data };
  const nodes = [
    { id: 'settings', object },
    { id: 'late', waitsFor: ['observed.db.host'] },
  ];
  const metadata = {
    platformRef: 'inline',
    renderHash: hashJson(nodes),
    renderedAt: '2026-11-21T10:00:00Z',
    digest: `sha256:${'0'.repeat(64)}`,
  };
  return { metadata, nodes, violations: [{ path: 'a', message: 'old', severity: 'Warning' }] };
}

const small = contentWith({ a: '1' });

/** The stored form of a text that no operator would have written. */
function forged(text: string): JsonObject {
  return { encoding: 'gzip+base64', content: gzipSync(text).toString('base64') };
}

async function textIn(content: RevisionContent): Promise<string> {
  const { content: packed } = await encodeContent(content);
  return gunzipSync(Buffer.from(String(packed), 'base64')).toString('utf8');
}

describe('content of a revision', () => {
  test('comes back as it went in', async () => {
    expect(await decodeContent(await encodeContent(small))).toEqual(small);
  });

  test('keeps numbers that no double holds', async () => {
    const nodes = parseJson(
      '[{"id":"n","object":{"apiVersion":"v1","kind":"X","metadata":{"name":"n"},"big":12345678901234567890}}]',
    );
    const text = stringifyJson({ metadata: { ...small.metadata, renderHash: hashJson(nodes) }, nodes });
    const decoded = await decodeContent(forged(text));
    expect(stringifyJson([...decoded.nodes])).toContain('12345678901234567890');
  });

  test('is named by what its nodes are, not by what they are said to be, and has no number', () => {
    const { metadata } = contentOf({
      ...small,
      metadata: { ...small.metadata, renderHash: 'x', revision: 4 },
    });
    expect(metadata).toEqual(small.metadata);
  });

  test.each([
    ['nothing', undefined, 'data is not'],
    ['another encoding', { encoding: 'zstd', content: '' }, 'data is not'],
    ['no content', { encoding: 'gzip+base64' }, 'no content'],
    ['no gzip', { encoding: 'gzip+base64', content: 'AAAA' }, "can't be unpacked"],
    ['no JSON', forged('{'), 'no JSON'],
    ['a list', forged('[]'), 'no object'],
    ['no nodes', forged(stringifyJson({ metadata: small.metadata })), 'nodes'],
    [
      'nodes of no shape',
      forged(stringifyJson({ metadata: small.metadata, nodes: [{ id: 1 }] })),
      'no graph',
    ],
  ])('is refused: %s', async (_what, data, problem) => {
    await expect(decodeContent(data)).rejects.toMatchObject({
      code: 'REVISION_INVALID',
      message: expect.stringContaining(problem),
    });
  });

  test('is refused where its nodes were changed', async () => {
    const changed = (await textIn(small)).replace('"a":"1"', '"a":"2"');
    await expect(decodeContent(forged(changed))).rejects.toMatchObject({ code: 'REVISION_INVALID' });
  });

  test('is refused where it would unpack to more than a graph can have', async () => {
    const bomb = forged(' '.repeat(MAX_CONTENT_BYTES + 1));
    expect(stringifyJson(bomb).length).toBeLessThan(10_000);
    await expect(decodeContent(bomb)).rejects.toMatchObject({ code: 'REVISION_INVALID' });
  });

  test('that could not be stored is refused, and a graph of the largest size is not', async () => {
    const largest = contentWith({ noise: randomBytes(500_000).toString('hex') });
    const data = await encodeContent(largest);
    expect(stringifyJson(data).length).toBeLessThan(MAX_STORED_BYTES);
    expect(isJsonObject(data)).toBe(true);
    const noisy = contentWith({ noise: randomBytes(1_200_000).toString('base64') });
    await expect(encodeContent(noisy)).rejects.toMatchObject({ code: 'REVISION_TOO_LARGE' });
    const huge = contentWith({ zeros: '0'.repeat(MAX_CONTENT_BYTES) });
    await expect(encodeContent(huge)).rejects.toMatchObject({ code: 'REVISION_TOO_LARGE' });
  });
});
