import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { allowedImports, Evaluator, readVersion, readWasm, withMemoryLimit } from './index.ts';

const PAGE = 65_536;
const evaluatorBytes = readWasm();

test('the evaluator imports nothing of its host but what is on the list', async () => {
  const module = new WebAssembly.Module(withMemoryLimit(await evaluatorBytes, 64 * 1024 * 1024));
  const imports = WebAssembly.Module.imports(module).map((it) => `${it.module}.${it.name}`);
  expect(imports.filter((it) => !allowedImports.includes(it))).toEqual([]);
  expect(allowedImports.filter((it) => !imports.includes(it))).toEqual([]);
});

test('the artefact is the one that its description names', async () => {
  const version = await readVersion();
  expect(
    createHash('sha256')
      .update(await evaluatorBytes)
      .digest('hex'),
  ).toBe(version.sha256);
  expect(version.cue).toMatch(/^v0\.\d+\.\d+$/);
});

test('the evaluator says which CUE it is', async () => {
  const module = new WebAssembly.Module(withMemoryLimit(await evaluatorBytes, 64 * 1024 * 1024));
  const answer: unknown = JSON.parse(new Evaluator(module).handle('{"op":"version"}'));
  const version = await readVersion();
  expect(answer).toEqual({ cueVersion: version.cue, goVersion: version.go });
});

/** A module with one memory and one import, as small as can be. */
function tiny(options: {
  readonly memory: readonly number[];
  readonly importName?: string;
}): Uint8Array<ArrayBuffer> {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const name = [...new TextEncoder().encode(options.importName ?? '')];
  const imported = [1, 1, 0x65, name.length, ...name, 0, 0];
  const imports =
    options.importName === undefined ? [] : [1, 4, 1, 0x60, 0, 0, 2, imported.length, ...imported];
  return new Uint8Array([...header, ...imports, ...options.memory]);
}

test('a memory gets a maximum, whatever it had', () => {
  for (const memory of [
    [5, 3, 1, 0, 2],
    [5, 4, 1, 1, 2, 9],
    [5, 5, 1, 1, 2, 0x80, 2],
  ]) {
    const bytes = withMemoryLimit(tiny({ memory: [...memory, 7, 5, 1, 1, 0x6d, 2, 0] }), 5 * PAGE + 1);
    expect([...bytes.subarray(8, 14)]).toEqual([5, 4, 1, 1, 2, 5]);
    expect(() => new WebAssembly.Module(bytes)).not.toThrow();
  }
});

test('a limit under what is needed at start is refused, and a binary without memory', () => {
  expect(() => withMemoryLimit(tiny({ memory: [5, 3, 1, 0, 2] }), PAGE)).toThrow(RangeError);
  expect(() => withMemoryLimit(tiny({ memory: [] }), PAGE)).toThrow('no memory section');
});

test('a module that wants more of the host is refused', () => {
  const module = new WebAssembly.Module(tiny({ memory: [5, 3, 1, 0, 2], importName: 'open' }));
  expect(() => new Evaluator(module)).toThrow('the module imports e.open');
});
