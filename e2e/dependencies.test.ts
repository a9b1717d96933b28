// Modules that import other modules, published by the cue command and by ORAS, from the registries that the operator was
// told of.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import {
  ACCOUNTS,
  createTestAuthority,
  type Registry,
  runCue,
  startRegistry,
} from '../test/servers/index.ts';
import { conditionOf, loginSecret, pushFiles, secretData, story, useOperator } from './support/index.ts';

const registry = await startRegistry();
const guarded = await startRegistry({ tls: createTestAuthority(), auth: 'basic' });

useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1'],
    ...['--plain-http-host', registry.host],
    ...['--cue-registry', `private.example=${guarded.host}+secure,${registry.host}+insecure`],
  ],
});

afterAll(async () => {
  await Promise.all([registry.stop(), guarded.stop()]);
});

type Files = Readonly<Record<string, string>>;

function moduleFile(path: string, dependencies: Files = {}): string {
  const lines = Object.entries(dependencies).map(([name, version]) => `deps: "${name}": v: "${version}"`);
  return [`module: "${path}"`, 'language: version: "v0.16.0"', 'source: kind: "self"', ...lines, ''].join(
    '\n',
  );
}

function library(path: string, greeting: string): Files {
  return {
    'cue.mod/module.cue': moduleFile(path),
    'lib.cue': `package lib\n\ngreeting: "${greeting}"\n`,
  };
}

/** A module whose ConfigMap `made` says what `greeting` of the imported package is. */
function application(path: string, imported: string, dependencies: Files = {}): Files {
  const object = '{apiVersion: "v1", kind: "ConfigMap", metadata: name: "made", data: text: lib.greeting}';
  return {
    'cue.mod/module.cue': moduleFile(path, dependencies),
    'app.cue': `package app\n\nimport "${imported}:lib"\n\ngraph: nodes: made: object: ${object}\n`,
  };
}

/** `cue mod publish`, into the registry that asks for no login. */
async function publish(files: Files, version: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'cue-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    const env = { CUE_REGISTRY: `${registry.host}+insecure`, CUE_CACHE_DIR: join(directory, '.cache') };
    const { exitCode, stderr } = await runCue(['mod', 'publish', version], { cwd: directory, env });
    if (exitCode !== 0) throw new Error(`cue mod publish: ${stderr}`);
  } finally {
    // cue makes the folders of its cache read-only, which stops nobody who removes them as their owner with force.
    await rm(directory, { recursive: true, force: true });
  }
}

function fromRegistry(
  { host }: Registry,
  place: string,
): { readonly cueRef: Readonly<Record<string, string>> } {
  return { cueRef: { type: 'oci', ref: `oci://${host}/${place}` } };
}

const SHA256 = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);

describe.concurrent('a module that imports another', () => {
  story('gets it from the registry, and the status names it', async ({ space }) => {
    await publish(library('known.example/lib@v0', 'hello from lib'), 'v0.1.0');
    const dependencies = { 'known.example/lib@v0': 'v0.1.0' };
    await publish(application('known.example/app@v0', 'known.example/lib', dependencies), 'v0.1.0');
    await space.transform('shop', fromRegistry(registry, 'known.example/app:v0.1.0'));
    const { status } = await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'made')).toMatchObject({ data: { text: 'hello from lib' } });
    expect(status?.resolvedCueRef?.dependencies).toEqual([
      { module: 'known.example/lib@v0', version: 'v0.1.0', digest: SHA256 },
    ]);
  });

  story('waits for a version that is not published yet, and says what to do', async ({ space }) => {
    const files = application('late.example/app@v0', 'late.example/lib', { 'late.example/lib@v0': 'v0.9.0' });
    await pushFiles(registry, 'late/app:v1', files);
    await space.transform('shop', fromRegistry(registry, 'late/app:v1'));
    const failed = await space.untilTransform(
      'shop',
      'misses a dependency',
      (transform) => conditionOf(transform, 'Fetched')?.reason === 'SourceNotFound',
    );
    const message = conditionOf(failed, 'Fetched')?.message;
    expect(message).toContain(`late.example/lib@v0 v0.9.0 (oci://${registry.host}/late.example/lib)`);
    expect(message).toContain('cue mod get late.example/lib@<version>');
    await publish(library('late.example/lib@v0', 'better late'), 'v0.9.0');
    await space.patch('Transform', 'shop', { metadata: { annotations: { 'pequod.io/reconcile': 'now' } } });
    const ready = await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'made')).toMatchObject({ data: { text: 'better late' } });
    expect(ready.status?.resolvedCueRef?.dependencies).toMatchObject([{ version: 'v0.9.0' }]);
  });

  story('has it in its own folder, and nobody is asked', async ({ space }) => {
    const files = {
      ...application('vendored.example/app@v0', 'vendored.example/lib'),
      'cue.mod/pkg/vendored.example/lib/lib.cue': 'package lib\n\ngreeting: "brought along"\n',
    };
    await pushFiles(registry, 'vendored/app:v1', files);
    await space.transform('shop', fromRegistry(registry, 'vendored/app:v1'));
    const { status } = await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'made')).toMatchObject({ data: { text: 'brought along' } });
    expect(status?.resolvedCueRef?.dependencies).toBeUndefined();
  });

  story('does not list it, and is told what to run', async ({ space }) => {
    await pushFiles(
      registry,
      'unlisted/app:v1',
      application('unlisted.example/app@v0', 'unlisted.example/lib'),
    );
    await space.transform('shop', fromRegistry(registry, 'unlisted/app:v1'));
    const failed = await space.untilTransform(
      'shop',
      'has a violation',
      ({ status }) => (status?.violations ?? []).length > 0,
    );
    expect(failed.status?.violations?.[0]).toMatchObject({
      message: expect.stringContaining('"cue mod tidy"'),
      position: 'app.cue:3:8',
    });
  });

  story('from a registry that wants a login, as the tenant who has one', async ({ space }) => {
    const place = 'private.example/lib';
    await pushFiles(guarded, `${place}:v0.1.0`, library(`${place}@v0`, 'between us'), ACCOUNTS.publisher);
    const files = application('shown.example/app@v0', place, { [`${place}@v0`]: 'v0.1.0' });
    await pushFiles(registry, 'shown/app:v1', files);
    const { cueRef } = fromRegistry(registry, 'shown/app:v1');
    const { caPem = '' } = guarded;
    await space.create('Secret', 'authority', {
      metadata: { annotations: { 'pequod.io/hosts': `${registry.host},${guarded.host}` } },
      data: secretData({ 'ca.crt': caPem }),
    });
    await space.create('Secret', 'login', { ...loginSecret(guarded.host, ACCOUNTS.reader) });
    const certSecretRef = { name: 'authority' };
    await space.transform('shop', { cueRef: { ...cueRef, certSecretRef } });
    const failed = await space.untilTransform(
      'shop',
      'may not have the dependency',
      (transform) => conditionOf(transform, 'Fetched')?.reason === 'SourceUnauthorized',
    );
    expect(conditionOf(failed, 'Fetched')?.message).toContain('cueRef.pullSecretRef');
    await space.transform('shop', { cueRef: { ...cueRef, certSecretRef, pullSecretRef: { name: 'login' } } });
    await space.untilReady('shop');
    expect(await space.get('ConfigMap', 'made')).toMatchObject({ data: { text: 'between us' } });
    await space.transform('nosy', { cueRef: { ...cueRef, certSecretRef } });
    await space.untilTransform(
      'nosy',
      'gets nothing of what another was given',
      (transform) => conditionOf(transform, 'Fetched')?.reason === 'SourceUnauthorized',
    );
  });
});
