import { describe, expect, it } from 'vitest';
import { secretsBlanker } from './blank-secrets.ts';

const login = { username: 'me', password: 'p+w/1.*' };
const header = Buffer.from('me:p+w/1.*').toString('base64');

describe('what was shown to a server', () => {
  it.each([
    ['as it is', 'x p+w/1.* y', 'x *** y'],
    ['in another case', 'P+W/1.*', '***'],
    ['percent-encoded', 'https://p%2Bw%2F1.*.example', 'https://***.example'],
    ['in Base64', `a ${Buffer.from('p+w/1.*').toString('base64')} b`, 'a ***== b'],
    ['in a header', `Basic ${header} and ${header.toLowerCase()}`, 'Basic *** and ***'],
    ['not at all', 'ppw/1xx and me', 'ppw/1xx and me'],
  ])('is taken out of a text: %s', (_how, text, blanked) => {
    expect(secretsBlanker(login)(text)).toBe(blanked);
  });

  it('may be a token', () => {
    expect(secretsBlanker({ type: 'bearer', token: 't0ken' })('https://t0ken.example')).toBe(
      'https://***.example',
    );
  });

  it.each([
    ['nothing', undefined],
    ['too short', { username: 'me', password: 'abc' }],
    ['no password', { username: 'me', password: '' }],
    ['a key', { type: 'ssh', privateKey: 'abcdef', knownHosts: 'abcdef' } as const],
  ])('is left where it is %s', (_what, credentials) => {
    expect(secretsBlanker(credentials)('abc abcdef')).toBe('abc abcdef');
  });
});
