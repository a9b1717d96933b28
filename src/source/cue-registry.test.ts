import { describe, expect, it } from 'vitest';
import { CueRegistries } from './index.ts';

function place(config: string | undefined, module: string, version: string = 'v0.1.0'): string {
  const { host, repository, tag } = new CueRegistries(config).locate(module, version);
  return `${host}/${repository}:${tag}`;
}

describe('the registry of a module', () => {
  it.each([
    ['the central one where nothing is said', undefined, 'registry.cue.works/example.com/lib:v0.1.0'],
    ['the catch-all', 'registry.example', 'registry.example/example.com/lib:v0.1.0'],
    [
      'a folder of the catch-all',
      'registry.example:5000/m',
      'registry.example:5000/m/example.com/lib:v0.1.0',
    ],
    ['the one of its prefix', 'example.com=a.example,b.example', 'a.example/example.com/lib:v0.1.0'],
    [
      'the longest prefix',
      'example.com=a.example,example.com/lib=b.example',
      'b.example/example.com/lib:v0.1.0',
    ],
    ['no half path element', 'example.com/li=a.example,b.example', 'b.example/example.com/lib:v0.1.0'],
    ['the central one beside prefixes', 'other.com=a.example', 'registry.cue.works/example.com/lib:v0.1.0'],
    ['one without TLS', 'a.example+insecure', 'a.example/example.com/lib:v0.1.0'],
  ])('is %s', (_what, config, expected) => {
    expect(place(config, 'example.com/lib@v0')).toBe(expected);
  });

  it('is none where an administrator says so', () => {
    const registries = new CueRegistries('example.com=none,registry.example');
    expect(() => registries.locate('example.com/lib@v0', 'v0.1.0')).toThrow(
      expect.objectContaining({ code: 'SOURCE_REFUSED', message: expect.stringContaining('--cue-registry') }),
    );
    expect(registries.locate('example.org/lib@v0', 'v0.1.0')).toMatchObject({ host: 'registry.example' });
  });

  it.each([
    ['no path', '', 'v0.1.0'],
    ['a path that leaves the registry', 'example.com/../lib@v0', 'v0.1.0'],
    ['capitals', 'example.com/Lib@v0', 'v0.1.0'],
    ['no dot in the first element', 'lib@v0', 'v0.1.0'],
    ['a wrong major version', 'example.com/lib@main', 'v0.1.0'],
    ['a branch for a version', 'example.com/lib@v0', 'main'],
    ['a digest for a version', 'example.com/lib@v0', 'sha256:00'],
    ['an endless path', `example.com/${'a/'.repeat(200)}b@v0`, 'v0.1.0'],
  ])('is not asked for what can be no module: %s', (_what, module, version) => {
    expect(() => new CueRegistries().locate(module, version)).toThrow(
      expect.objectContaining({ code: 'SOURCE_INVALID' }),
    );
  });
});

describe('a configuration', () => {
  it.each([
    ['an empty part', 'a.example,'],
    ['an empty registry', 'example.com='],
    ['a prefix that is no path', 'Example=a.example'],
    ['two catch-alls', 'a.example,b.example'],
    ['a prefix twice', 'example.com=a.example,example.com=b.example'],
    ['another suffix', 'a.example+fast'],
    ['a tag', 'a.example/modules:v1'],
    ['a digest', `a.example/modules@sha256:${'0'.repeat(64)}`],
    ['a host with TLS and without', 'example.com=a.example/x+insecure,a.example'],
  ])('with %s is refused', (_what, config) => {
    expect(() => new CueRegistries(config)).toThrow();
  });

  it('tells which hosts are spoken to without TLS', () => {
    const config = 'a.com=localhost:5000,b.com=b.example+insecure,c.com=127.0.0.1:1+secure,d.example';
    expect(new CueRegistries(config).plainHttpHosts).toEqual(['b.example', 'localhost:5000']);
  });
});
