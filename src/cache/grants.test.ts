import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Grants } from './grants.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test('what one was granted is nobody else’s, nor for another digest or place', () => {
  const grants = new Grants({ now: () => 0 });
  const [alice, bob] = [
    grants.credentialKey({ username: 'alice', password: 'p1' }),
    grants.credentialKey({ username: 'bob', password: 'p2' }),
  ];
  grants.grant('registry.example/private', DIGEST, alice);
  expect(grants.has('registry.example/private', DIGEST, alice)).toBe(true);
  expect(grants.has('registry.example/private', DIGEST, bob)).toBe(false);
  expect(grants.has('registry.example/private', DIGEST, grants.credentialKey(undefined))).toBe(false);
  expect(grants.has('registry.example/other', DIGEST, alice)).toBe(false);
  expect(grants.has('registry.example/private', `${DIGEST}0`, alice)).toBe(false);
});

test('a grant ends after its time, and when the place takes it back', () => {
  let nowMs = 0;
  const grants = new Grants({ now: () => nowMs, ttlMs: 1_000 });
  const key = grants.credentialKey({ token: 't' });
  grants.grant('host', DIGEST, key);
  nowMs = 999;
  expect(grants.has('host', DIGEST, key)).toBe(true);
  nowMs = 1_000;
  expect(grants.has('host', DIGEST, key)).toBe(false);
  grants.grant('host', DIGEST, key);
  grants.withdraw('host', DIGEST, key);
  expect(grants.has('host', DIGEST, key)).toBe(false);
});

test('a credential’s name is the same for the same values in any order, and for no others', () => {
  const grants = new Grants({ now: () => 0 });
  const one = grants.credentialKey({ credentials: { username: 'a', password: 'b' }, tls: { ca: 'c' } });
  expect(grants.credentialKey({ tls: { ca: 'c' }, credentials: { password: 'b', username: 'a' } })).toBe(one);
  const others = [
    { credentials: { username: 'a', password: 'b' } },
    { credentials: { username: 'ab', password: '' }, tls: { ca: 'c' } },
    { credentials: { username: 'a', password: 'b' }, tls: { cert: 'c' } },
    {},
  ];
  expect(new Set([one, ...others.map((other) => grants.credentialKey(other))]).size).toBe(5);
  expect(grants.credentialKey(undefined)).toBe(grants.credentialKey({}));
});

test('a credential’s name tells nothing: it holds no part of it, and is another in another process', () => {
  const [first, second] = [new Grants({ now: () => 0 }), new Grants({ now: () => 0 })];
  const secret = { username: 'alice', password: 'canary-password' };
  expect(first.credentialKey(secret)).not.toBe(second.credentialKey(secret));
  first.grant('host', DIGEST, first.credentialKey(secret));
  expect(first.credentialKey(secret)).toMatch(/^[\w-]{43}$/);
  expect(inspect(first, { depth: 10, showHidden: true })).not.toContain('canary');
});

test('so many grants are kept, the least recently used goes', () => {
  const grants = new Grants({ now: () => 0, maxEntries: 2 });
  for (const digest of ['a', 'b']) grants.grant('host', digest, 'key');
  expect(grants.has('host', 'a', 'key')).toBe(true);
  grants.grant('host', 'c', 'key');
  expect(['a', 'b', 'c'].map((digest) => grants.has('host', digest, 'key'))).toEqual([true, false, true]);
});
