import { describe, expect, it } from 'vitest';
import { formatOciReference, parseOciReference, registryHost } from './reference.ts';

const HEX = 'a'.repeat(64);

describe('references', () => {
  it.each([
    ['oci://registry.example/a', { host: 'registry.example', repository: 'a' }],
    [
      'oci://Registry.Example:5000/team/web__app:v1.2',
      { host: 'registry.example:5000', repository: 'team/web__app', tag: 'v1.2' },
    ],
    [`oci://r.example/a@sha256:${HEX}`, { host: 'r.example', repository: 'a', digest: `sha256:${HEX}` }],
    [
      `oci://r.example/a:B_1@sha512:${HEX}${HEX}`,
      { host: 'r.example', repository: 'a', tag: 'B_1', digest: `sha512:${HEX}${HEX}` },
    ],
    ['oci://[::1]:5000/a--b/c.d', { host: '[::1]:5000', repository: 'a--b/c.d' }],
    ['oci://10.0.0.1/a', { host: '10.0.0.1', repository: 'a' }],
    ['oci://docker.io/redis:7', { host: 'registry-1.docker.io', repository: 'library/redis', tag: '7' }],
    ['oci://index.docker.io/team/app', { host: 'registry-1.docker.io', repository: 'team/app' }],
  ])('%s is read', (text, expected) => {
    expect(parseOciReference(text)).toEqual(expected);
    expect(parseOciReference(formatOciReference(parseOciReference(text)))).toEqual(expected);
  });

  it.each([
    ['registry.example/a', 'begins with oci://'],
    ['https://registry.example/a', 'begins with oci://'],
    ['oci://registry.example', 'names a registry, but no repository'],
    ['oci://registry.example/', 'names a registry, but no repository'],
    ['oci://registry.example/:v1', 'names a registry, but no repository'],
    ['oci:///a', 'is no host of a registry'],
    ['oci://registry.example:0/a', 'is no host of a registry'],
    ['oci://registry.example:99999/a', 'is no host of a registry'],
    ['oci://registry_example/a', 'is no host of a registry'],
    ['oci://registry.example%2f/a', 'is no host of a registry'],
    ['oci://a..b/a', 'is no host of a registry'],
    ['oci://registry.123/a', 'is no host of a registry'],
    ['oci://0x7f.1/a', 'is no host of a registry'],
    ['oci://10.1/a', 'is no host of a registry'],
    ['oci://registry.example/Team/a', 'no capital letters'],
    ['oci://registry.example/a//b', 'is no repository'],
    ['oci://registry.example/../b', 'is no repository'],
    ['oci://registry.example/a/', 'is no repository'],
    ['oci://registry.example/a b', 'is no repository'],
    ['oci://registry.example/a ', 'is no repository'],
    ['oci://registry.example/a___b', 'is no repository'],
    [`oci://registry.example/${'a'.repeat(256)}`, 'at most 255'],
    ['oci://registry.example/a:', 'is no tag'],
    ['oci://registry.example/a:b:c', 'is no tag'],
    ['oci://registry.example/a:-b', 'is no tag'],
    [`oci://registry.example/a:${'b'.repeat(129)}`, 'is no tag'],
    ['oci://registry.example/a@sha256:123', 'is no digest'],
    [`oci://registry.example/a@sha256:${HEX.toUpperCase()}`, 'is no digest'],
    [`oci://registry.example/a@md5:${HEX}`, 'is no digest'],
    ['oci://registry.example/a?tag=b', 'neither a query nor a fragment'],
    [`oci://${'a'.repeat(2000)}`, 'at most 1024'],
  ])('%s is refused', (text, why) => {
    const parse = (): unknown => parseOciReference(text);
    expect(parse).toThrow(why);
    expect(parse).toThrow(expect.objectContaining({ code: 'SOURCE_INVALID', retry: 'never' }));
  });

  it.each([
    'oci://user:canary@registry.example/a',
    'oci://canary@registry.example',
    'oci://user:canary/with-a-slash@registry.example/a',
  ])('a password in %s is not repeated', (text) => {
    expect(() => parseOciReference(text)).toThrow(/^a reference holds no user name or password/);
  });

  it('keys of a docker config name the same hosts', () => {
    expect(registryHost('https://index.docker.io/v1/')).toBe('registry-1.docker.io');
    expect(registryHost('docker.io')).toBe('registry-1.docker.io');
    expect(registryHost('https://Registry.Example:5000')).toBe('registry.example:5000');
    expect(registryHost('registry.example/v2/')).toBe('registry.example');
    expect(registryHost('registry.example/team')).toBeUndefined();
    expect(registryHost('')).toBeUndefined();
    expect(registryHost('*.example')).toBeUndefined();
  });
});
