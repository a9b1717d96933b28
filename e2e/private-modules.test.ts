// Two tenants and one cache. What the one has fetched with his credentials is in memory and on the disk; the other knows
// every name of it, and still gets none of it: the place of each thing is asked whether he may have it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { writeZip } from '../src/archive/index.ts';
import type { JsonObject } from '../src/json/index.ts';
import { digestOf } from '../src/registry/index.ts';
import { startGitHttpServer } from '../test/servers/index.ts';
import { Canaries } from './support/canaries.ts';
import { conditionOf, type Space, story, useOperator } from './support/index.ts';
import { artifactOf, artifactSaying, moduleSaying, OwnRegistry } from './support/own-registry.ts';
import { openSpace } from './support/story.ts';

const registry = await OwnRegistry.start();
const ACCOUNTS = { a: { username: 'me', password: 'of-a' }, b: { username: 'me', password: 'of-b' } };
const git = await startGitHttpServer({ readers: { accounts: [ACCOUNTS.a] } });
const cacheFolder = await mkdtemp(join(tmpdir(), 'pequod-tenants-'));
const local = `LocalHost:${registry.server.port}`;

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--egress-allow', 'localhost'],
    ...[
      '--plain-http-host',
      registry.host,
      '--plain-http-host',
      local.toLowerCase(),
      '--plain-http-host',
      git.host,
    ],
    ...['--cue-registry', `${registry.host}+insecure`, '--cache-dir', cacheFolder],
  ],
});

afterAll(async () => {
  await Promise.all([registry.server.stop(), git.stop()]);
  await rm(cacheFolder, { recursive: true });
});

const LIBRARY = 'test.example/lib';
const DEPENDENCY = 'deps: "test.example/lib@v0": v: "v0.1.0"\n';
const APP = `package app

import "${LIBRARY}"

#Input: {name: string | *"made"}
input: #Input

graph: nodes: made: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: input.name, data: lib.data}
`;

async function login(space: Space, name: string, password: string): Promise<void> {
  await space.create('Secret', name, { stringData: { username: 'me', password } });
}

async function create(space: Space, name: string, cueRef: JsonObject): Promise<void> {
  await space.create('Transform', name, {
    spec: { serviceAccountName: 'deployer', cueRef, input: { name } },
  });
}

/** Asks for a new look at all of them, and waits until each was looked at. */
async function lookAgain(space: Space, names: readonly string[], token: string): Promise<void> {
  const looked = names.map(async (name) => {
    await space.patch('Transform', name, { metadata: { annotations: { 'pequod.io/reconcile': token } } });
    await space.untilTransform(
      name,
      'was looked at',
      ({ status }) => status?.lastHandledReconcileAt === token,
    );
  });
  await Promise.all(looked);
}

/** Every object that somebody in this namespace could read, but for Secrets. */
async function readable(space: Space): Promise<string> {
  const kinds = 'transforms,resourcegraphs,controllerrevisions,configmaps,events';
  return await space.kubectl(['get', kinds, '-o', 'json', '--show-managed-fields']);
}

/** Says in a status that the module with this digest was fetched, as everybody can who may write statuses. */
async function forgeStatus(space: Space, name: string, digest: string): Promise<void> {
  const { metadata, spec } = await space.readTransform(name);
  const at = new Date().toISOString();
  const fetched = { type: 'Fetched', status: 'True', reason: 'Fetched', message: '', lastTransitionTime: at };
  const conditions = [{ ...fetched, observedGeneration: metadata.generation ?? 1 }];
  const { type, ref } = spec.cueRef;
  const resolvedCueRef = { type, ref, digest, revision: digest, fetchedAt: at };
  await space.patch('Transform', name, { status: { resolvedCueRef, conditions } }, { subresource: 'status' });
}

async function reasonsOf(space: Space, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const reasons = names.map(async (name) => {
    const fetched = conditionOf(await space.readTransform(name), 'Fetched');
    return [name, `${fetched?.status} ${fetched?.reason}`] as const;
  });
  return Object.fromEntries(await Promise.all(reasons));
}

describe('private modules', () => {
  story('are given to nobody else, hot in memory or warm on the disk', async ({ space: a }) => {
    const b = await openSpace();
    const canaries = new Canaries();
    const secret = canaries.plain('what only A may read');
    const own = registry.ref(`team-a/app`);
    const theirs = await artifactSaying(secret);
    registry.put('team-a/app', 'v1', theirs);
    registry.protect('team-a/app', ACCOUNTS.a.password);
    registry.put('team-b/app', 'v1', await artifactSaying('of B'));
    registry.protect('team-b/app', ACCOUNTS.b.password);
    // B got hold of the manifest, and of nothing that it names.
    registry.put('team-b/copy', 'v1', { ...theirs, blobs: [] });
    // B was given the whole module.
    registry.put('team-b/mirror', 'v1', await artifactSaying('of both'));
    registry.put('team-a/shared', 'v1', await artifactSaying('of both'));
    registry.protect('team-a/shared', ACCOUNTS.a.password);
    const library = await artifactOf(`${LIBRARY}@v0`, {
      'lib.cue': `package lib\n\ndata: text: "${secret}"\n`,
    });
    registry.put(LIBRARY, 'v0.1.0', library);
    registry.protect(LIBRARY, ACCOUNTS.a.password);
    const repository = await git.createRepository('private', { 'says.cue': moduleSaying(secret) });
    const url = git.urlOf(repository);
    const commit = await repository.resolve('main');
    const { digest } = theirs;

    await login(a, 'login', ACCOUNTS.a.password);
    const config = { auths: { [registry.host]: ACCOUNTS.a } };
    await a.create('Secret', 'registry', { stringData: { '.dockerconfigjson': JSON.stringify(config) } });
    const pullSecretRef = { name: 'login' };
    const importing = { 'app.cue': APP };
    registry.put('public/app', 'v1', await artifactOf('test.example/app@v0', importing, DEPENDENCY));
    await create(a, 'app', { type: 'oci', ref: `${own}:v1`, pullSecretRef });
    await create(a, 'shared', { type: 'oci', ref: registry.ref('team-a/shared:v1'), pullSecretRef });
    await create(a, 'importing', {
      type: 'oci',
      ref: registry.ref('public/app:v1'),
      pullSecretRef: { name: 'registry' },
    });
    await create(a, 'git', { type: 'git', ref: `${url}?ref=main`, pullSecretRef });
    const ofA = ['app', 'shared', 'importing', 'git'];
    await Promise.all(ofA.map((name) => a.untilReady(name)));
    expect(canaries.seenIn(new Map([['a', await readable(a)]]))).not.toEqual([]);
    registry.server.forget();

    const moduleFile = `module: "test.example/app@v0"\nlanguage: version: "v0.16.0"\n${DEPENDENCY}`;
    const files = { 'cue.mod/module.cue': moduleFile, ...importing };
    const zip = await writeZip(
      new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
    );
    const module = { 'module.zip': Buffer.from(zip).toString('base64') };
    await b.create('ConfigMap', 'module', { binaryData: module });
    await login(b, 'wrong', 'guessed');
    await login(b, 'login', ACCOUNTS.b.password);
    const oci = (ref: string, name?: string): JsonObject => ({
      type: 'oci',
      ref,
      ...(name === undefined ? {} : { pullSecretRef: { name } }),
    });
    const ofGit = (ref: string, name?: string): JsonObject => ({
      ...oci(`${url}?ref=${ref}`, name),
      type: 'git',
    });
    const attempts: Readonly<Record<string, JsonObject>> = {
      'by-tag': oci(`${own}:v1`),
      'by-digest': oci(`${own}@${digest}`),
      'by-both': oci(`${own}:v1@${digest}`),
      'by-range': { ...oci(own), semver: '*' },
      'wrong-tag': oci(`${own}:v1`, 'wrong'),
      'wrong-digest': oci(`${own}@${digest}`, 'wrong'),
      'login-of-b': oci(`${own}@${digest}`, 'login'),
      'other-name': oci(`oci://${local}/team-a/app@${digest}`, 'login'),
      import: oci(registry.ref('public/app:v1')),
      'import-wrong': oci(registry.ref('public/app:v1'), 'wrong'),
      'import-zip': { type: 'configmap', ref: 'module' },
      'git-branch': ofGit('main'),
      'git-commit': ofGit(commit),
      'git-wrong': ofGit(commit, 'wrong'),
      'git-login-of-b': ofGit('main', 'login'),
    };
    const missing: Readonly<Record<string, JsonObject>> = {
      'in-my-own': oci(registry.ref(`team-b/app@${digest}`), 'login'),
      'manifest-alone': oci(registry.ref('team-b/copy:v1')),
    };
    for (const [name, cueRef] of Object.entries({ ...attempts, ...missing })) await create(b, name, cueRef);
    await create(b, 'mirror', oci(registry.ref('team-b/mirror:v1')));
    await create(b, 'forged', oci(registry.ref('team-b/app:v1'), 'login'));
    await Promise.all([b.untilReady('mirror'), b.untilReady('forged')]);
    const expected = Object.fromEntries([
      ...Object.keys(attempts).map((name) => [name, 'False SourceUnauthorized'] as const),
      ...Object.keys(missing).map((name) => [name, 'False SourceNotFound'] as const),
    ]);
    const names = Object.keys(expected);
    const nothingGiven = async (): Promise<void> => {
      expect(await reasonsOf(b, names)).toEqual(expected);
      expect(await b.names('ResourceGraph')).toEqual(['forged', 'mirror']);
      expect(await b.names('ConfigMap')).toEqual(['forged', 'mirror', 'module']);
      expect(canaries.seenIn(new Map([['b', await readable(b)]]))).toEqual([]);
    };
    await Promise.all(names.map((name) => b.untilFailing(name, expected[name]?.split(' ')[1] ?? '')));
    await nothingGiven();
    expect(registry.handedOut('team-a/app').concat(registry.handedOut(LIBRARY))).toEqual([]);

    // What a status says of itself gives nothing, and a restart makes nobody forget to ask.
    await running.operator.stop();
    for (const name of ['by-tag', 'by-digest', 'wrong-digest', 'forged']) await forgeStatus(b, name, digest);
    registry.server.forget();
    await running.operator.restart();
    await Promise.all(names.map((name) => b.untilFailing(name, expected[name]?.split(' ')[1] ?? '')));
    await nothingGiven();
    await lookAgain(b, [...names, 'mirror', 'forged'], 'after-the-restart');
    await nothingGiven();
    // A asks whether he still may, and then has it from the disk.
    await a.patch('Transform', 'app', { spec: { input: { name: 'renamed' } } });
    await a.untilFound('ConfigMap', 'renamed');
    const blobs = theirs.blobs.map((bytes) => `/v2/team-a/app/blobs/${digestOf(bytes)}`);
    expect(registry.handedOut('team-a/app').filter((handed) => blobs.includes(handed))).toEqual([]);
    await a.kubectl(['delete', 'namespace', b.namespace, '--wait=false']);
  });

  story('are given no more to who has lost the right to them', async ({ space }) => {
    registry.put('lost/app', 'v1', await artifactSaying('before'));
    registry.protect('lost/app', 'at-first');
    await login(space, 'login', 'at-first');
    const oci = (tag: string): JsonObject => ({
      type: 'oci',
      ref: registry.ref(`lost/app:${tag}`),
      pullSecretRef: { name: 'login' },
    });
    await create(space, 'first', oci('v1'));
    await space.untilReady('first');
    registry.protect('lost/app', 'changed');
    registry.put('lost/app', 'v2', await artifactSaying('after'));
    registry.server.forget();
    await create(space, 'second', oci('v2'));
    await space.untilFailing('second', 'SourceUnauthorized');
    await lookAgain(space, ['first'], 'now');
    const first = await space.untilTransform(
      'first',
      'is not fetched',
      (transform) => conditionOf(transform, 'Fetched')?.status === 'False',
    );
    expect(conditionOf(first, 'Fetched')?.reason).toBe('SourceUnauthorized');
    expect(conditionOf(first, 'Ready')?.status).toBe('True');
    await create(space, 'third', oci('v1'));
    await space.untilFailing('third', 'SourceUnauthorized');
    expect(registry.handedOut('lost/app')).toEqual([]);
  });
});
