import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { applySetId } from './apply-set-id.ts';

it('computes the ApplySet id of a graph as KEP-3659 does', () => {
  const digest = createHash('sha256').update('web.shop.ResourceGraph.platform.pequod.io').digest('base64');
  const expected = digest.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  expect(applySetId({ namespace: 'shop', name: 'web' })).toBe(`applyset-${expected}-v1`);
});
