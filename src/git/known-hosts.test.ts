import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprint, KnownHosts } from './known-hosts.ts';

function keyOf(type: string, content: string): Buffer {
  return Buffer.concat(
    [type, content].flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return [length, Buffer.from(text)];
    }),
  );
}

const KEY = keyOf('ssh-ed25519', 'one');
const OTHER = keyOf('ssh-rsa', 'two');
const line = (hosts: string, key: Buffer = KEY, type: string = 'ssh-ed25519'): string =>
  `${hosts} ${type} ${key.toString('base64')} a comment`;
const hashed = (host: string): string => {
  const salt = Buffer.from('a salt of 20 bytes..');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(host).digest('base64')}`;
};

describe('known hosts', () => {
  it.each([
    ['the host', line('h.test'), 'known'],
    ['one of several', line('a.test,h.test'), 'known'],
    ['in capitals', line('H.Test'), 'known'],
    ['a pattern', line('*.test'), 'known'],
    ['a pattern with ?', line('?.test'), 'known'],
    ['a hashed name', line(hashed('h.test')), 'known'],
    ['after another key', `${line('h.test', OTHER, 'ssh-rsa')}\n${line('h.test')}`, 'known'],
    ['Windows line ends', `# words\r\n${line('h.test')}\r\n`, 'known'],
    ['nothing', '', 'unknown'],
    ['a comment', `#${line('h.test')}`, 'unknown'],
    ['another host', line('h.test.example'), 'unknown'],
    ['a host that ends alike', line('xh.test'), 'unknown'],
    ['a pattern of another', line('*.example'), 'unknown'],
    ['another hashed name', line(hashed('x.test')), 'unknown'],
    ['another port', line('[h.test]:2222'), 'unknown'],
    ['an exclusion', line('*.test,!h.test'), 'unknown'],
    ['an exclusion alone', line('!x.test'), 'unknown'],
    ['a key of another type than its line', line('h.test', KEY, 'ssh-rsa'), 'unknown'],
    ['half a line', 'h.test ssh-ed25519', 'unknown'],
    ['an unknown marker', `@trusted ${line('h.test')}`, 'unknown'],
    ['an authority', `@cert-authority ${line('h.test')}`, 'unknown'],
    ['another key', line('h.test', OTHER, 'ssh-rsa'), 'other'],
    ['a revoked key', `@revoked ${line('*')}`, 'revoked'],
    ['a key that is also revoked', `${line('h.test')}\n@revoked ${line('*')}`, 'revoked'],
    ['a revoked other key', `${line('h.test')}\n@revoked ${line('*', OTHER, 'ssh-rsa')}`, 'known'],
  ])('%s', (_what, text, verdict) => {
    expect(new KnownHosts(text).judge('h.test', 22, KEY)).toBe(verdict);
  });

  it('are listed with their port unless it is 22', () => {
    const hosts = new KnownHosts(`${line('[h.test]:2222')}\n${line('[*.test]:33')}`);
    expect(hosts.judge('h.test', 2222, KEY)).toBe('known');
    expect(hosts.judge('x.test', 33, KEY)).toBe('known');
    expect(new KnownHosts(line(hashed('[h.test]:2222'))).judge('h.test', 2222, KEY)).toBe('known');
    expect(new KnownHosts(line('h.test')).judge('h.test', 2222, KEY)).toBe('unknown');
  });

  it('say which kinds of keys a host has', () => {
    const hosts = new KnownHosts(`${line('h.test')}\n${line('*', OTHER, 'ssh-rsa')}\n@revoked ${line('*')}`);
    expect(hosts.keyTypes('h.test', 22)).toEqual(['ssh-ed25519', 'ssh-rsa']);
    expect(hosts.keyTypes('x.test', 22)).toEqual(['ssh-rsa']);
    expect(new KnownHosts(`@cert-authority ${line('*')}`).hasOnlyAuthority('h.test', 22)).toBe(true);
    expect(hosts.hasOnlyAuthority('h.test', 22)).toBe(false);
  });

  it('match patterns that are made to take long', () => {
    const pattern = `${'*a'.repeat(2_000)}b`;
    expect(new KnownHosts(line(pattern)).judge('a'.repeat(253), 22, KEY)).toBe('unknown');
  });

  it('are told by fingerprints like OpenSSH’s', () => {
    expect(fingerprint(KEY)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });
});
