import { describe, expect, it } from 'vitest';
import { atModuleRoot } from './module-root.ts';
import { moduleTree } from './module-tree.ts';

const MODULE = 'module: "test.example/x@v1"';

describe('the module that a package belongs to', () => {
  const tree = moduleTree([
    ['platforms/cue.mod/module.cue', MODULE],
    ['platforms/cue.mod/local-module.cue', MODULE],
    ['platforms/apps/shop/shop.cue', 'package shop'],
    ['platforms/words/words.cue', 'package words'],
    ['platforms-old/old.cue', 'package old'],
    ['loose/loose.cue', 'package loose'],
  ]);

  it('starts at the nearest module file at or above it, and holds nothing from outside', () => {
    const { tree: module, packagePath } = atModuleRoot(tree, 'platforms/apps/shop');
    expect(packagePath).toBe('apps/shop');
    expect([...module.files.keys()].sort()).toEqual([
      'apps/shop/shop.cue',
      'cue.mod/module.cue',
      'words/words.cue',
    ]);
  });

  it('may be in the folder of the module file itself', () => {
    const own = moduleTree([
      ['a/cue.mod/module.cue', MODULE],
      ['a/a.cue', 'package a'],
    ]);
    expect(atModuleRoot(own, 'a').packagePath).toBe('.');
  });

  it.each(['loose', 'platforms-old'])('is the whole tree where there is no module file: %s', (folder) => {
    expect(atModuleRoot(tree, folder)).toEqual({ tree, packagePath: folder });
  });
});
