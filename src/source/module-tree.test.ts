import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadEmbeddedLibrary, moduleTree, treeDigest } from './index.ts';

describe('the digest of a tree', () => {
  it('does not depend on the order of the files', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (files) => {
        const entries = Object.entries(files);
        expect(treeDigest(new Map(entries))).toBe(treeDigest(new Map(entries.toReversed())));
      }),
    );
  });

  it('tells apart files whose names and contents run into each other', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', '\0', '1'), maxLength: 4 });
    const trees = fc.dictionary(texts, texts, { maxKeys: 3 }).map((files) => new Map(Object.entries(files)));
    fc.assert(
      fc.property(trees, trees, (one, other) => {
        const same = JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());
        expect(treeDigest(one) === treeDigest(other)).toBe(same);
      }),
    );
  });
});

describe('a tree', () => {
  it.each(['/a.cue', '../a.cue', 'x/../../a.cue', 'x//a.cue', './a.cue', 'x\\a.cue', '', 'a\0.cue'])(
    'has no file %j',
    (path) => {
      expect(() => moduleTree([[path, '']])).toThrow(/must be relative/);
    },
  );

  it('has a bound on its files and bytes', () => {
    const limits = { maxBytes: 8, maxFiles: 2 };
    expect(() => moduleTree([['a', 'ééééé']], limits)).toThrow('has 10 bytes, at most 8');
    expect(() =>
      moduleTree(
        [
          ['a', ''],
          ['b', ''],
          ['c', ''],
        ],
        limits,
      ),
    ).toThrow('has 3 files, at most 2');
    expect(
      moduleTree(
        [
          ['a', 'éé'],
          ['b', 'éé'],
        ],
        limits,
      ).files.size,
    ).toBe(2);
  });
});

describe('the embedded library', () => {
  it('is what ships in the cue folder', async () => {
    const library = await loadEmbeddedLibrary(new URL('../../cue', import.meta.url).pathname);
    expect(library.types).toEqual(['database', 'webservice']);
    expect([...library.common.files.keys()]).toContain('graph/graph.cue');
    expect([...library.policies.files.keys()]).toContain('policy/policy.cue');
    expect(
      [...(library.tree('database')?.files.keys() ?? [])].filter((path) => path.includes('webservice')),
    ).toEqual([]);
    expect(library.tree('__proto__')).toBeUndefined();
  });
});
