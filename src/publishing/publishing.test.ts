import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileMap } from '../archive/index.ts';
import type { OciReference } from '../registry/index.ts';
import { buildModuleArtifact, publishingAdvice, readModuleFolder, writeFolder } from './index.ts';

const signal = new AbortController().signal;
const LIMITS = { maxBytes: 2000, maxEntries: 10, maxFileBytes: 1000, maxRatio: 1 };
const MODULE = 'module: "example.com/web@v1"\nlanguage: version: "v0.15.0"\n';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const filesOf = (files: Record<string, string>): FileMap =>
  new Map(Object.entries(files).map(([path, text]) => [path, bytes(text)]));

let root = '';
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'publishing-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A new folder with these files. */
async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = join(root, `f${count++}`);
  await mkdir(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

async function failure(running: Promise<unknown>): Promise<string> {
  const error: unknown = await running.catch((reason: unknown) => reason);
  if (!(error instanceof Error)) throw new Error('expected an error');
  return error.message;
}

describe('a folder that is published', () => {
  const files = { 'cue.mod/module.cue': MODULE, 'a.cue': 'package a' };

  it('gives what CUE publishes, and says what it leaves out', async () => {
    const folder = await folderOf({
      ...files,
      'README.md': '# a',
      'sub/b.cue': 'package b',
      '.git/config': '',
      'sub/.hg/x': '',
      'nested/cue.mod/module.cue': MODULE,
      'nested/c.cue': 'package c',
      'cue.mod/local-module.cue': '',
      'cue.mod/vendor/x.cue': '',
      'cue.mod/gen/b.c/d.cue': 'package d',
    });
    await symlink('/etc/passwd', join(folder, 'link.cue'));
    await symlink('/etc', join(folder, 'linked'));
    const module = await readModuleFolder(folder, signal, LIMITS);
    expect([...module.files.keys()].sort()).toEqual([
      'README.md',
      'a.cue',
      'cue.mod/gen/b.c/d.cue',
      'cue.mod/module.cue',
      'sub/b.cue',
    ]);
    expect(module.leftOut).toEqual([
      '.git: is of version control',
      'cue.mod/local-module.cue: is never published',
      'cue.mod/vendor: is vendored',
      'link.cue: is a link',
      'linked: is a link',
      'nested/: has a cue.mod of its own',
      'sub/.hg: is of version control',
    ]);
  });

  it('is a module', async () => {
    const none = await folderOf({ 'a.cue': 'package a' });
    expect(await failure(readModuleFolder(none, signal, LIMITS))).toBe(
      `${none} has no cue.mod/module.cue: make one with "cue mod init example.com/my/module@v0"`,
    );
    expect(await failure(readModuleFolder(join(none, 'gone'), signal, LIMITS))).toContain(
      'there is no folder',
    );
    expect(await failure(readModuleFolder(join(none, 'a.cue'), signal, LIMITS))).toContain(
      'there is no folder',
    );
  });

  it.each([
    ['a:b.cue', '":" can not be in a name'],
    ['a"b.cue', '"\\"" can not be in a name'],
    ['con.cue', '"con" is no name on Windows'],
    ['x/a.cue.', '"a.cue." ends in a dot'],
  ])('has no file %s, since cue would not take it', async (path, why) => {
    expect(
      await failure(readModuleFolder(await folderOf({ ...files, [path]: '' }), signal, LIMITS)),
    ).toContain(why);
  });

  it('is within the limits of an operator', async () => {
    const large = await folderOf({ ...files, 'b.cue': 'x'.repeat(1001) });
    expect(await failure(readModuleFolder(large, signal, LIMITS))).toContain(
      'b.cue has 1001 bytes, at most 1000',
    );
    const together = await folderOf({ ...files, b: 'x'.repeat(1000), c: 'x'.repeat(1000) });
    expect(await failure(readModuleFolder(together, signal, LIMITS))).toContain('more than 2000 bytes');
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index}.cue`, '']));
    expect(await failure(readModuleFolder(await folderOf({ ...files, ...many }), signal, LIMITS))).toContain(
      'more than 10 files',
    );
  });
});

describe('an artefact', () => {
  it('is laid out as CUE does it, and the same each time', async () => {
    const files = { 'cue.mod/module.cue': MODULE, 'a.cue': 'package a' };
    const artifact = await buildModuleArtifact(filesOf(files));
    const manifest: unknown = JSON.parse(Buffer.from(artifact.manifest.body).toString());
    expect(manifest).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.cue.module.v1+json', size: 2 },
      layers: [
        { mediaType: 'application/zip' },
        { mediaType: 'application/vnd.cue.modulefile.v1', size: MODULE.length },
      ],
    });
    const again = await buildModuleArtifact(filesOf({ 'a.cue': 'package a', 'cue.mod/module.cue': MODULE }));
    expect(again.digest).toBe(artifact.digest);
  });

  it.each<readonly [string, Record<string, string>, string]>([
    ['a second module', { 'cue.mod/module.cue': MODULE, 'b/cue.mod/x.cue': '' }, 'cue.mod in its root only'],
    [
      'names that differ in case',
      { 'cue.mod/module.cue': MODULE, 'a.cue': '', 'A.cue': '' },
      'differ only in case',
    ],
    ['text that is not UTF-8', { 'cue.mod/module.cue': MODULE, 'a.cue': '' }, 'file a.cue is not UTF-8'],
    ['no module file', { 'a.cue': '' }, 'has no cue.mod/module.cue'],
  ])('is not made of %s', async (what, files, why) => {
    const map = new Map(filesOf(files));
    if (what.includes('UTF-8')) map.set('a.cue', Uint8Array.of(0xff));
    expect(await failure(buildModuleArtifact(map))).toContain(why);
  });
});

describe('advice', () => {
  const at = (repository: string, tag: string): OciReference => ({ host: 'r.example', repository, tag });

  it.each([
    ['modules/example.com/web', 'v1.2.3'],
    ['example.com/web', 'v1.0.0-rc.1'],
  ])('is not needed for %s:%s', (repository, tag) => {
    expect(publishingAdvice(MODULE, at(repository, tag))).toEqual([]);
  });

  it.each([
    ['web', 'v1.2.3', "does not end in the module's path example.com/web"],
    ['myexample.com/web', 'v1.2.3', "does not end in the module's path"],
    ['example.com/web', '1.2.3', 'tag 1.2.3 is no version such as v1.1.0'],
    ['example.com/web', 'v1.2', 'tag v1.2 is no version'],
    ['example.com/web', 'latest', 'tag latest is no version'],
    ['example.com/web', 'v2.0.0', "is not of the module's major version v1"],
  ])('is given for %s:%s', (repository, tag, why) => {
    expect(publishingAdvice(MODULE, at(repository, tag))).toEqual([expect.stringContaining(why)]);
  });

  it('says that a module has no path', () => {
    expect(publishingAdvice('language: version: "v0.15.0"', at('a', 'v1.0.0'))).toEqual([
      expect.stringContaining('has no line with module'),
    ]);
  });
});

describe('a folder that is written', () => {
  const files = filesOf({ 'cue.mod/module.cue': MODULE, 'a/b.cue': 'package b' });
  const keep = { isReplacing: false };
  const replace = { isReplacing: true };

  it('is new, or empty', async () => {
    const fresh = join(root, 'deep', 'er', 'new');
    expect(await writeFolder(fresh, files, keep, signal)).toBe('written');
    expect(await readFile(join(fresh, 'a/b.cue'), 'utf8')).toBe('package b');
    expect((await stat(fresh)).mode & 0o777).toBe(0o777 & ~process.umask());
    const empty = await folderOf({});
    expect(await writeFolder(empty, files, keep, signal)).toBe('written');
    expect((await readdir(empty)).sort()).toEqual(['a', 'cue.mod']);
  });

  it('is left alone where it has something, unless its files are to be replaced', async () => {
    const folder = await folderOf({ 'a/b.cue': 'package mine', 'notes.txt': 'mine' });
    expect(await writeFolder(folder, files, keep, signal)).toBe('occupied');
    expect(await readFile(join(folder, 'a/b.cue'), 'utf8')).toBe('package mine');
    expect(await writeFolder(folder, files, replace, signal)).toBe('written');
    expect(await readFile(join(folder, 'a/b.cue'), 'utf8')).toBe('package b');
    expect(await readFile(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it.each([
    '../x.cue',
    '/x.cue',
    'a/../../x.cue',
    '.git/config',
    'a/.GIT/hooks/x',
    'git~1/config',
    '.git ./x',
  ])('never gets %s', async (path) => {
    const folder = join(root, `never${count++}`);
    await failure(writeFolder(folder, filesOf({ [path]: 'x' }), replace, signal));
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('is never left through a link', async () => {
    const outside = await folderOf({});
    const folder = await folderOf({ 'notes.txt': '' });
    await symlink(outside, join(folder, 'a'));
    expect(await failure(writeFolder(folder, files, replace, signal))).toContain(
      'is in the way of file "a/b.cue"',
    );
    expect(await readdir(outside)).toEqual([]);
    const link = join(root, 'link');
    await symlink(outside, link);
    expect(await failure(writeFolder(link, files, replace, signal))).toContain('is no folder');
  });

  it('is not there at all where the writing is interrupted', async () => {
    const interrupted = new AbortController();
    const parent = await folderOf({});
    const many = new Map(Array.from({ length: 50 }, (_, index) => [`${index}.cue`, bytes('x')]));
    const writing = writeFolder(join(parent, 'module'), many, keep, interrupted.signal);
    interrupted.abort(new Error('interrupted'));
    expect(await failure(writing)).toBe('interrupted');
    expect(await readdir(parent)).toEqual([]);
  });
});
