import { describe, expect, it } from 'vitest';
import { parseGitReference } from './reference.ts';

describe('a git reference', () => {
  it.each([
    [
      'https://git.example/org/platforms.git?ref=v2.1.0&path=postgres',
      {
        transport: 'https',
        host: 'git.example',
        path: 'org/platforms.git',
        ref: 'v2.1.0',
        folder: 'postgres',
      },
    ],
    [
      'https://Git.Example:8443/a/',
      { host: 'git.example', port: 8443, path: 'a', place: 'https://git.example:8443/a' },
    ],
    ['https://[2001:db8::1]/a', { host: '2001:db8::1', place: 'https://[2001:db8::1]/a' }],
    ['https://h/a%20b/%C3%A9', { path: 'a b/é' }],
    ['https://h/a%2520b', { path: 'a%20b' }],
    ['https://h/a?path=/x/y/', { folder: 'x/y' }],
    ['https://h/a?path=./x', { folder: 'x' }],
    ['https://h/a?ref=refs%2Fheads%2Fx', { ref: 'refs/heads/x' }],
    ['https://h/a?ref=feature/x', { ref: 'feature/x' }],
    ['https://h/a?ref=release', { ref: 'release' }],
    ['HTTPS://h/a', { transport: 'https' }],
    [
      'ssh://git@h/org/a.git',
      { transport: 'ssh', user: 'git', path: '/org/a.git', place: 'ssh://git@h/org/a.git' },
    ],
    ['ssh://git@h:2222/~me/a', { port: 2222, path: '~me/a' }],
    [
      'git@h:org/a.git?ref=x&path=y',
      { transport: 'ssh', user: 'git', path: 'org/a.git', ref: 'x', folder: 'y' },
    ],
    ['git@h:/srv/a.git', { path: '/srv/a.git' }],
    ['git@[2001:db8::1]:a', { host: '2001:db8::1' }],
  ])('%s', (text, parts) => {
    expect(parseGitReference(text)).toMatchObject(parts);
  });

  it('has no folder and no ref where none are said', () => {
    const reference = parseGitReference('https://h/a?path=.');
    expect(Object.keys(reference).sort()).toEqual(['host', 'path', 'place', 'transport']);
  });

  it.each([
    ['file:///etc/passwd', 'local files'],
    ['/srv/git/a', 'write https://'],
    ['../a', 'write https://'],
    ['ext::sh -c id', 'space'],
    ['ext::sh', 'remote helper'],
    ['git::https://h/a', 'remote helper'],
    ['git://h/a', 'not spoken'],
    ['ftp://h/a', 'not spoken'],
    ['https://user:canary@h/a', 'put credentials into a Secret'],
    ['https://canary@h/a', 'put credentials into a Secret'],
    ['ssh://git:canary@h/a', 'put credentials into a Secret'],
    ['ssh://h/a', 'needs a user'],
    ['h:a', 'needs a user'],
    ['ssh://-oProxyCommand=id@h/a', 'plain name'],
    ['ssh://git@-oProxyCommand=id/a', 'host'],
    ['-oProxyCommand=id@h:a', 'plain name'],
    ['git@-h:a', 'host'],
    ['git@h:-a', 'dash'],
    ['git@h:a/--upload-pack=id', 'dash'],
    ["git@h:a';id;'", 'quotes'],
    ['git@h:a$(id)', 'quotes'],
    ['git@h:a%27b', 'quotes'],
    ['git@h:a%0Ab', 'control'],
    ['https://h', 'path is empty'],
    ['https://h/', 'path is empty'],
    ['https:///a', 'host'],
    ['https://h:0/a', 'out of range'],
    ['https://h:99999/a', 'out of range'],
    ['https://h:x/a', 'host'],
    ['https://ho%73t/a', 'host'],
    ['https://host.123/a', 'host'],
    ['https://0x7f.1/a', 'host'],
    ['git@10.1:a', 'host'],
    ['https://h/a/../b', '".."'],
    ['https://h/a/%2e%2e/b', '".."'],
    ['https://h/a//b', 'empty'],
    ['https://h/a%2F..%2Fb', '".."'],
    ['https://h/a\\b', 'backslash'],
    ['https://h/a%5Cb', 'backslash'],
    ['https://h/a%00b', 'control'],
    ['https://h/a\nb', 'control'],
    ['https://h/a%zz', 'percent-encoded'],
    ['https://h/a#main', 'fragment'],
    ['https://h/a?path=../x', '".."'],
    ['https://h/a?path=x/../../y', '".."'],
    ['https://h/a?path=x%2F..', '".."'],
    ['https://h/a?path=-x', 'dash'],
    ['https://h/a?branch=x', 'parameter "branch"'],
    ['https://h/a?ref=x&ref=y', 'twice'],
    ['https://h/a?ref=', 'empty'],
    [`https://h/${'a'.repeat(3_000)}`, 'longer'],
  ])('%s is refused', (text, words) => {
    let message = '';
    try {
      parseGitReference(text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'SOURCE_INVALID', retry: 'never' });
      message = String(error);
    }
    expect(message).toContain(words);
    expect(message).not.toContain('canary');
  });

  // As `git check-ref-format --allow-onelevel` has it.
  it.each([
    '-x',
    '--upload-pack=x',
    'a..b',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a~1',
    'a^',
    'a:b',
    'a?b',
    'a*',
    'a[b',
    'a\\b',
    'a b',
    'a@{1}',
    '@',
    '/a',
    'a/',
    'a//b',
    'a.',
    'a\u007fb',
    'a\tb',
    'x'.repeat(300),
  ])('refuses the ref %j', (ref) => {
    const text = `https://h/a?ref=${encodeURIComponent(ref)}`;
    expect(() => parseGitReference(text)).toThrow(/ref/);
  });

  it('is spoken to without TLS only where an administrator lists the host', () => {
    const plainHttpHosts = ['git.local:8080'];
    expect(parseGitReference('http://Git.local:8080/a', { plainHttpHosts }).transport).toBe('http');
    expect(parseGitReference('http://h:81/a', { plainHttpHosts: ['h'] }).port).toBe(81);
    expect(() => parseGitReference('http://git.local/a', { plainHttpHosts })).toThrow(
      expect.objectContaining({
        code: 'SOURCE_REFUSED',
        message: expect.stringContaining('--plain-http-host git.local'),
      }),
    );
  });
});
