// What the tests build is pinned twice, by Go and by name: both must say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VERSIONS } from '../control-plane/index.ts';

const root = join(import.meta.dirname, '../..');

function pinned(goMod: string, module: string): string | undefined {
  const text = readFileSync(join(root, goMod), 'utf8');
  const line = text.split('\n').find((one) => one.replace('require', '').trim().startsWith(`${module} v`));
  return line === undefined ? undefined : / v(\S+)/.exec(line)?.[1];
}

const sources = 'test/control-plane/go';

test.each([
  [`${sources}/go.mod`, 'k8s.io/kubernetes', VERSIONS.kubernetes],
  [`${sources}/go.mod`, 'go.etcd.io/etcd/server/v3', VERSIONS.etcd],
  [`${sources}/go.mod`, 'sigs.k8s.io/kwok', VERSIONS.kwok],
  [`${sources}/helm/go.mod`, 'helm.sh/helm/v4', VERSIONS.helm],
  [`${sources}/registry/go.mod`, 'github.com/distribution/distribution/v3', VERSIONS.registry],
  [`${sources}/cue/go.mod`, 'cuelang.org/go', VERSIONS.cue],
  [`${sources}/oras-tool/go.mod`, 'oras.land/oras-go/v2', VERSIONS.orasLibrary],
  // The cue command must understand what our own evaluator does, and no more.
  ['packages/cuelang-wasm/go/go.mod', 'cuelang.org/go', VERSIONS.cue],
])('%s pins %s %s', (goMod, module, version) => {
  expect(pinned(goMod, module)).toBe(version);
});
