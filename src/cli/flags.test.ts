import { describe, expect, it } from 'vitest';
import { addressFlag, egressFlag, proxyFlag, registryHostFlag, registryRealmFlag } from './flags.ts';

describe('flags of sources', () => {
  it('name hosts', () => {
    expect(egressFlag('*.example', ['10.0.0.0/8'])).toEqual(['10.0.0.0/8', '*.example']);
    expect(registryHostFlag('Registry.example:5000', [])).toEqual(['registry.example:5000']);
    expect(registryRealmFlag('docker.io=auth.example', [])).toEqual([
      { registry: 'registry-1.docker.io', realm: 'auth.example' },
    ]);
  });

  it.each(['', 'https://a', 'a/b', 'a b', 'a:0'])("don't take %j for a host", (text) => {
    expect(() => registryHostFlag(text, [])).toThrow('expected a host');
    expect(() => registryRealmFlag(`registry.example=${text}`, [])).toThrow('expected a host');
  });

  it('take one realm at a time', () => {
    expect(() => registryRealmFlag('a=b=c', [])).toThrow('expected <registry>=');
    expect(() => registryRealmFlag('a', [])).toThrow('expected a host');
  });

  it('read a proxy, and do not repeat what may hold a password', () => {
    expect(proxyFlag('http://me:canary@proxy.example:3128')).toMatchObject({
      host: 'proxy.example',
      port: 3128,
    });
    expect(() => proxyFlag('https://me:canary@proxy.example')).toThrow(
      "error: option '--source-proxy': a proxy is written http://[user:password@]host[:port]",
    );
  });
});

describe('the address of a server', () => {
  it.each([
    [':8080', { port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['[::1]:9090', { host: '::1', port: 9090 }],
  ])('%s', (text, address) => {
    expect(addressFlag(text)).toEqual(address);
  });

  it.each(['8080', ':', '::1:80', 'host:65536', 'a b:1', '[x]:1', 'http://host:80', ''])(
    'is not %j',
    (text) => {
      expect(() => addressFlag(text)).toThrow('expected host:port');
    },
  );
});
