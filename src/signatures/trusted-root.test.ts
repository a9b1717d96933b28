import { expect, test } from 'vitest';
import { TestSigstore } from '../../test/signatures/index.ts';
import { TrustedRoot } from './trusted-root.ts';

const text = new TestSigstore().makeTrustedRoot();

function changed(change: (root: Record<string, unknown>) => void): string {
  const root: Record<string, unknown> = JSON.parse(text);
  change(root);
  return JSON.stringify(root);
}

test('a root in the format of sigstore is taken', () => {
  expect(() => new TrustedRoot(text)).not.toThrow();
});

test.each([
  ['no JSON', 'authorities: []', 'trusted root: '],
  ['a list', '[]', 'trusted root: it is no JSON object'],
  ['another file', '{"mediaType":"application/json"}', 'trusted root: its mediaType is "application/json"'],
  ['no authority', changed((root) => delete root['certificateAuthorities']), 'no certificateAuthorities'],
  [
    'nothing that proves a time',
    changed((root) => {
      root['tlogs'] = [];
      root['timestampAuthorities'] = [];
    }),
    'neither tlogs nor timestampAuthorities',
  ],
  [
    'an authority without certificates',
    changed((root) => {
      root['certificateAuthorities'] = [{}];
    }),
    'trusted root: certificateAuthorities[0]: it has no certificates',
  ],
  [
    'a certificate that is none',
    changed((root) => {
      root['timestampAuthorities'] = [{ certChain: { certificates: [{ rawBytes: 'MAA=' }] } }];
    }),
    'trusted root: timestampAuthorities[0]: ',
  ],
  [
    'a log without a key',
    changed((root) => {
      root['ctlogs'] = [{ logId: { keyId: 'AAAA' } }];
    }),
    'trusted root: ctlogs[0]: it has no publicKey.rawBytes',
  ],
  [
    'a log with a key that is none',
    changed((root) => {
      root['tlogs'] = [{ logId: { keyId: 'AAAA' }, publicKey: { rawBytes: 'MAA=' } }];
    }),
    'trusted root: tlogs[0]: ',
  ],
])('%s is refused, and the message names the place', (_what, root, message) => {
  expect(() => new TrustedRoot(root)).toThrow(
    expect.objectContaining({ code: 'SOURCE_INVALID', message: expect.stringContaining(message) }),
  );
});
