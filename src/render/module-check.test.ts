import { join } from 'node:path';
import type { CuePool } from 'cuelang-wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedLibrary, loadEmbeddedLibrary, moduleTree } from '../source/index.ts';
import { checkModule, createEvaluatorPool } from './index.ts';

const signal = new AbortController().signal;
const MODULE_FILE = 'module: "example.com/web@v0"\nlanguage: version: "v0.15.0"\n';

let pool: CuePool;
let library: EmbeddedLibrary;
beforeAll(async () => {
  pool = await createEvaluatorPool({ maxWorkers: 1, deadlineMs: 60_000 });
  library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../cue'));
});
afterAll(() => pool.close());

async function problems(files: Record<string, string>): Promise<readonly string[]> {
  const tree = moduleTree(Object.entries({ 'cue.mod/module.cue': MODULE_FILE, ...files }));
  const found = await checkModule({ tree }, pool, library, signal);
  return found.map(({ message, position }) => `${position ?? '?'}: ${message}`);
}

test('a module that only lacks input is good, in all its packages', async () => {
  expect(
    await problems({
      'web.cue': `package web
import "example.com/web/parts@v0"
import schema "pequod.io/graph@v0"
#Input: {name: string, replicas: int & >0}
_check: schema.#Graph
graph: nodes: app: object: {metadata: {name: input.name, labels: parts.labels, other: context.name}, ip: observed.app.ip}
`,
      'parts/parts.cue': 'package parts\nlabels: a: "b"\n',
      'web_tool.cue': 'package web\nimport "tool/exec"\nx: exec\n',
      'two/a.cue': 'package a\n',
      'two/b.cue': 'package b\n',
      'tests_only/web_test.cue': 'package x\nbroken: 1 & 2\n',
      'cue.mod/gen/b.example/c/c.cue': 'package c\nbroken: 1 & 2\n',
    }),
  ).toEqual([]);
});

test.each([
  ['a syntax error', { 'a.cue': 'package a\nx: {\n' }, /^a\.cue:\d+:\d+: /],
  ['a reference that leads nowhere', { 'a.cue': 'package a\nx: y\n' }, /^a\.cue:2:4: .*"y"/],
  ['a conflict', { 'a.cue': 'package a\nx: 1\nx: 2\n' }, /a\.cue:\d.*conflicting values/],
  [
    'an import of nothing',
    { 'a.cue': 'package a\nimport "b.example/c"\nx: c.d\n' },
    /cannot find package "b\.example\/c"/,
  ],
  ['a broken package below', { 'a.cue': 'package a\n', 'b/b.cue': 'package b\nx: 1 & 2\n' }, /^b\/b\.cue:2/],
  ['a broken one of two packages', { 'a.cue': 'package a\n', 'b.cue': 'package b\nx: 1 & 2\n' }, /^b\.cue:2/],
])('%s is found', async (_what, files, expected) => {
  const found = await problems(files);
  expect(found.join('\n')).toMatch(expected);
});
